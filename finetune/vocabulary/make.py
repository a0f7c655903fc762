"""A corpus and a base -> a folder with the base whose vocabulary has the corpus's words.

The folder is a base like any other: transformers loads it, a run trains on it, deploy publishes it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.train.base_model import find_base, load_model
from finetune.vocabulary.base import Base, read_base
from finetune.vocabulary.extend import KINDS, extend, new_ids
from finetune.vocabulary.learned import Learned, NewPiece
from finetune.vocabulary.lines import Corpus, fingerprints, read_corpus
from finetune.vocabulary.measure import Measured, measure
from finetune.vocabulary.place import check_place, placing
from finetune.vocabulary.report import FIGURES, TOKENS, covered, write_tokens
from finetune.vocabulary.rows import farthest, grow, logits_of
from finetune.vocabulary.sentencepiece_file import find_file, write_file
from finetune.vocabulary.stages import CHECKING, FILLING, LEARNING, READING, Report, Stages
from finetune.vocabulary.words import Which, count_words, learns_all
from workbench.artefacts.model_folder import digest_of, load_tokenizer
from workbench.errors import InvalidInput
from workbench.extras import check_extra
from workbench.files import write_json
from workbench.messages import say
from workbench.models.packaged import resolve_base
from workbench.settings import Settings

PROBES = 8  # lines on which the logits of before and after are compared
PROBED = 64  # tokens of each
RELOADED = 200  # lines that the saved tokenizer has to cut as the one in memory does


@dataclass(frozen=True)
class Wanted:
    """What a person asks for. `base` is a folder, `packaged:NAME` or a name on a hub."""

    corpus: Sequence[Path]
    base: str
    size: int
    out: Path
    held_out: float = 0.1
    measured: Sequence[Path] = ()
    which: Which = "auto"
    replace: bool = False


@dataclass(frozen=True)
class _Lines:
    """What one tokenizer makes of the corpus."""

    learned: Measured
    held_out: Measured

    @property
    def counts(self) -> Counter[int]:
        return self.learned.counts + self.held_out.counts

    @property
    def changed(self) -> int:
        return len(self.learned.changed) + len(self.held_out.changed)


def make_vocabulary(wanted: Wanted, settings: Settings, report: Report) -> dict[str, Any]:
    """Extend the base; returns the figures that its folder keeps.

    Raises InvalidInput, NotFound or Conflict before anything is written. A line that does not come
    back letter for letter is told as a warning where the base's own tokenizer changes it too.
    """
    check_extra("train", ["torch", "transformers"], say("A new vocabulary"))
    check_place(wanted.out, None, wanted.replace)
    stages = Stages(report)
    stages.enter(READING)
    corpus = read_corpus(wanted.corpus, wanted.held_out, wanted.measured)
    folder = find_base(resolve_base(wanted.base, settings), settings.folder("models"))
    check_place(wanted.out, folder, wanted.replace)
    base = read_base(folder)

    stages.enter(LEARNING)
    all_words = learns_all(wanted.which, corpus.learned)
    words = count_words(base, corpus.learned)
    learned = KINDS[base.form].learn(base, words, wanted.size, all_words)
    own = extend(base, learned)

    stages.enter(CHECKING)
    before, after = _measure(base, own, corpus, stages)
    _check_lines(before, after, corpus, report)
    new = new_ids(base, learned.pieces)
    figures = {
        "base": wanted.base,
        "base_digest": digest_of(folder),
        "kind": KINDS[base.form].title,
        "added": len(new),
        "first_id": base.next_id,
        "words": "all" if all_words else "other",
        "lines": len(corpus.lines),
        "held_out_lines": len(corpus.held_out),
        "changed_lines_before": before.changed,
        "changed_lines": after.changed,
        "chars_per_token_before": round(before.held_out.characters_per_token, 4),
        "chars_per_token_after": round(after.held_out.characters_per_token, 4),
        "covered": round(covered(base, new, after.counts), 4),
        "corpus": fingerprints(corpus.files),
    }

    stages.enter(FILLING)
    with placing(wanted.out, folder, wanted.replace) as part:
        figures["logits_difference"] = _write_model(part, folder, base, new, corpus)
        _write_tokenizer(part, folder, base, own, learned, corpus, report)
        write_tokens(part / TOKENS, base, new, after.counts)
        write_json(part / FIGURES, figures)
    stages.tell(1, 1)
    return figures


def _measure(base: Base, own: Any, corpus: Corpus, stages: Stages) -> tuple[_Lines, _Lines]:
    """All lines by the old tokenizer, and by the new one."""
    in_all = 2 * len(corpus.lines)
    learned, held_out = corpus.learned, corpus.held_out

    def tell_from(start: int) -> Callable[[int], None]:
        return lambda done: stages.tell(start + done, in_all)

    found = []
    for tokenizer, start in ((base.own, 0), (own, len(corpus.lines))):
        first = measure(tokenizer, learned, tell_from(start))
        second = measure(tokenizer, held_out, tell_from(start + len(learned)))
        found.append(_Lines(first, second))
    return found[0], found[1]


def _check_lines(before: _Lines, after: _Lines, corpus: Corpus, report: Report) -> None:
    """Raises InvalidInput where a line comes back from the old tokenizer only."""
    lost = sorted(set(after.learned.changed) - set(before.learned.changed))
    lines = [corpus.learned[place] for place in lost]
    lost = sorted(set(after.held_out.changed) - set(before.held_out.changed))
    lines += [corpus.held_out[place] for place in lost]
    if lines:
        raise InvalidInput(
            say(
                "{count} lines would no longer come back letter for letter, such as: {line}",
                count=len(lines),
                line=lines[0][:80],
            ),
            "Leave them out of the corpus, or choose another base.",
        )
    if after.changed:
        text = say(
            "{count} of {lines} lines do not come back letter for letter: the base's own tokenizer "
            "changes characters or spaces in them.",
            count=after.changed,
            lines=len(corpus.lines),
        )
        report({"event": "warning", "text": text})


def _write_model(
    part: Path, folder: Path, base: Base, new: dict[int, NewPiece], corpus: Corpus
) -> float:
    """The weights with the new rows; how far logits of the old tokens are from those before."""
    model = load_model(folder, 0, "auto", "cpu")
    model.eval()
    cut = base.own.encode_batch(corpus.held_out[:PROBES], add_special_tokens=False)
    probes = [encoding.ids[:PROBED] for encoding in cut if encoding.ids]
    before = logits_of(model, probes)
    grow(model, new)
    difference = farthest(before, logits_of(model, probes))
    model.save_pretrained(str(part))
    return difference


def _write_tokenizer(
    part: Path,
    folder: Path,
    base: Base,
    own: Any,
    learned: Learned,
    corpus: Corpus,
    report: Report,
) -> None:
    """The tokenizer's files, of which transformers has to make the same tokenizer again."""
    base.tokenizer.save_pretrained(str(part))
    own.save(str(part / "tokenizer.json"))
    source = find_file(folder)
    if source:
        target = part / source.name
        target.unlink(missing_ok=True)
        if not write_file(source, target, base, learned):
            text = say(
                "{file} is left out: its ids are not those of tokenizer.json, which has the new "
                "tokens.",
                file=source.name,
            )
            report({"event": "warning", "text": text})
    again = load_tokenizer(part).backend_tokenizer
    lines = corpus.held_out[:RELOADED]
    ours = [encoding.ids for encoding in own.encode_batch(lines, add_special_tokens=False)]
    theirs = [encoding.ids for encoding in again.encode_batch(lines, add_special_tokens=False)]
    if ours != theirs:
        raise InvalidInput(
            say("transformers makes another tokenizer of the files of {base}.", base=folder.name),
            "Choose a base that has a tokenizer.json.",
        )
