"""A question and the files that came with it -> what they hold of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agents.documents.search import FEWEST, Retrieved, searched
from agents.evidence import Match
from agents.question import Question
from rag.passages import Hit
from rag.pool import Pool, open_pool
from rag.views import RELEVANT
from workbench.language import localized, words

BEATEN = 0.2  # by so much a passage elsewhere scores higher, where the files clearly lack an answer
NEAR = 0.1  # relevance that a passage of an attached file must have to be quoted

# Questions about the files as a whole: no passage is nearer to them than another.
WHOLE_EN = re.compile(
    r"\b(summar\w+|tl;?dr|overview|outline|gist|main points?|key points?)\b"
    r"|\bwhat('s| is| are)\b.{0,16}\b(this|these|it|about)\W*$|^\W*what('s| is) in\b"
    r"|^\W*(please )?(explain|describe|translate|read|review|check|look at)\b.{0,12}"
    r"\b(this|these|it|them|files?|documents?|texts?|pdfs?|images?|pictures?|attachments?)\W*$",
    re.IGNORECASE,
)
WHOLE_ZH = re.compile(
    r"总结|概括|概述|摘要|大意|要点|主要(内容|讲|说|是)|[讲说写](了|的)?(些|是)?什么|里面?[有是]什么"
    r"|什么内容|^请?(解释|介绍|翻译|看看|看一下|分析|检查)(一下|下)?(这|附件|文件|文档|$)"
)


@dataclass(frozen=True)
class _Files:
    """The files that came with a question, and the pool in which their passages are scored."""

    pool: Pool  # the collection of the files is the first
    sources: Sequence[str]

    @property
    def where(self) -> dict[str, Any]:
        return {"source": {"$in": list(self.sources)}}

    def passages(self, count: int) -> list[Hit]:
        """The first passages of all files in turn, `count` at most."""
        attached = self.pool.collections[0]
        each = [attached.document(source) for source in self.sources]
        longest = max((len(passages) for passages in each), default=0)
        found: list[Hit] = []
        for row in range(longest):
            for passages in each:
                if row < len(passages):
                    found.append(Hit(passages[row], 1.0, 0.0, 0.0, collection=attached.name))
        return found[:count]


def find_in_files(question: Question) -> Match:
    """The passages of the files, and how surely they hold the question.

    The score is 1 where they do or where the question is about the files as a whole, less where no
    passage reaches the floor, and 0 where another collection answers much better.
    Raises NotFound where the collection of the files is missing.
    """
    settings = question.settings
    files = _Files(open_pool(settings, searched(settings)), question.files)
    count = max(FEWEST, settings.passages)
    text = question.text
    own = Pool(files.pool.collections[:1])
    hits: list[Hit] = []
    if not _about_the_whole(question):
        hits = _scored(files.pool, question, own.retrieve(text, settings, count, files.where))
    if not hits:
        hits = files.passages(count)
        names = ", ".join(dict.fromkeys(Path(hit.passage.source).name for hit in hits))
        reason = localized(question.language, f"you attached {names}", f"你附上了 {names}")
        return Match(1.0, reason, _leading(text, files, hits))
    best = max(hit.relevance for hit in hits)
    elsewhere = _best_elsewhere(files.pool, question)
    beaten = elsewhere >= max(RELEVANT, best + BEATEN)
    score = 0.0 if beaten else min(1.0, best / RELEVANT)
    near = [replace(hit, relevant=hit.relevance >= NEAR) for hit in hits]
    return Match(score, _reason(question, hits), _leading(text, files, near))


def _about_the_whole(question: Question) -> bool:
    pattern = WHOLE_ZH if question.language == "zh" else WHOLE_EN
    return bool(pattern.search(question.text.strip())) or not words(question.text)


def _best_elsewhere(pool: Pool, question: Question) -> float:
    """The relevance of the best passage that lies in no attached file."""
    if len(pool.collections) == 1:
        return 0.0
    others = Pool(pool.collections[1:])
    hits = _scored(pool, question, others.retrieve(question.text, question.settings, FEWEST))
    return max((hit.relevance for hit in hits), default=0.0)


def _scored(pool: Pool, question: Question, hits: Sequence[Hit]) -> list[Hit]:
    """The hits on the scale of the pool, best first."""
    scored = pool.scored_as_one(question.text, hits, question.settings)
    return sorted(scored, key=lambda hit: (-hit.score, hit.passage.id))


def _leading(text: str, files: _Files, hits: Sequence[Hit]) -> Retrieved:
    return Retrieved(text, files.pool, list(hits), attached=True)


def _reason(question: Question, hits: Sequence[Hit]) -> str:
    name = Path(hits[0].passage.source).name
    return localized(
        question.language,
        f"{name}, which you attached, speaks of it",
        f"你附上的 {name} 中提到了相关内容",
    )
