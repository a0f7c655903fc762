"""A tokenizer with byte-level BPE -> llama.cpp's names of its pre-tokenizer, by how it splits text.

Names go with rules: what a text is cut into before BPE. A tokenizer whose rule is written in the
same way has that name. Another is tried: it gets each rule in turn, and the names remain with which
it cuts some hard texts as it does by itself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from deploy.vocabulary import find_form
from workbench.errors import InvalidInput

CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = rf"{CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}|{REST}"
LLAMA3 = QWEN2.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
DEEPSEEK3 = (
    r"\p{N}{1,3}",
    "[一-龥぀-ゟ゠-ヿ]+",
    r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|"""
    r"[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
    r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
)
UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
CASES = rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+%s|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*%s"
CODE = r" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
GPT4O = CASES.replace("%s", f"{CONTRACTIONS}?") + r"|\p{N}{1,3}|" + CODE
TEKKEN = CASES.replace("%s", "") + r"|\p{N}|" + CODE
BLOOM = r" ?[^(\s|.,!?…。，、।۔،)]+"
DEFAULT = (r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]")
DEEPSEEK_CODER = (r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-퟿]+", r"\p{N}")
BAILING = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]|\s+(?!\S)|\s+"
)
SEED = rf"{CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}| ?[^\s\p{{L}}\p{{N}}\r\n]+" + (
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


@dataclass(frozen=True)
class Rule:
    """One regular expression after the other splits what the one before has left."""

    name: str
    splits: tuple[str, ...]
    whole_words: bool = False
    """A part that is a token is not taken apart and merged again."""


# Of names with the same rule the one that servers have known longest. The usual ones come first.
RULES = [
    Rule("qwen2", (QWEN2,)),
    Rule("llama-bpe", (LLAMA3,), whole_words=True),
    Rule("dbrx", (LLAMA3,)),
    Rule("gpt-2", (GPT2,)),
    Rule("smollm", (r"\p{N}", GPT2)),
    Rule("deepseek-v3", DEEPSEEK3),
    Rule("gpt-4o", (GPT4O,)),
    Rule("tekken", (TEKKEN,), whole_words=True),
    Rule("falcon", (DEFAULT[0], GPT2, DEFAULT[3])),
    Rule("deepseek-coder", DEEPSEEK_CODER),
    Rule("bailingmoe", (BAILING,)),
    Rule("seed-coder", (SEED,)),
    Rule("bloom", (BLOOM,)),
    Rule("viking", (BLOOM, r"\p{N}")),
    Rule("default", DEFAULT),
]
# Texts that these rules cut differently.
PROBES = [
    "In 1234567 days, 3.14159 and 2026-11-24",
    "I'M sure they'LL don't, we've IT'S",
    "a  b   c\n\n\n  d\t\te \r\n f",
    "我想在apple工作1314151天～，《红楼梦》第120回",
    "x=foo(bar[0]);;; // ==!= {}<>\n\n.call/\n",
    "🏮 нещо на Български ÄÖÜß camelCase HTTPServer ÉCOLEs",
    "print('hello')   #done\n\tif(a<b):\n",
    "かなカナ漢字 한국어 ១២៣ नमस्ते",
]


def list_names(tokenizer: Any) -> list[str]:
    """The names that fit, the likeliest first; one alone where the tokenizer's rule is a known one.

    None where the tokenizer is no byte-level BPE.
    """
    own = json.loads(tokenizer.backend_tokenizer.to_str())
    if find_form(own) != "gpt2":
        return []
    splits = find_splits(own["pre_tokenizer"])
    whole = bool(own["model"].get("ignore_merges"))
    same = [rule for rule in RULES if rule.splits == splits]
    same.sort(key=lambda rule: rule.whole_words != whole)
    if same:
        return [same[0].name]
    tried = _tokens(tokenizer.backend_tokenizer)
    agreeing = []
    for rule in RULES:
        other = _with_rule(tokenizer.backend_tokenizer, rule)
        if _tokens(other) == tried:
            agreeing.append((_parts(other) != _parts(tokenizer.backend_tokenizer), rule.name))
    # Those that also split in the same places come first.
    return [name for _, name in sorted(agreeing, key=lambda found: found[0])]


def check_named(names: list[str]) -> str:
    """The first name. Raises InvalidInput where there is none."""
    if not names:
        raise InvalidInput(
            "llama.cpp knows no pre-tokenizer that splits text as this tokenizer does.",
            "If it is one of llama.cpp's under another name, name it with --pre-tokenizer.",
        )
    return names[0]


def find_splits(step: dict[str, Any] | None) -> tuple[str, ...]:
    """The regular expressions of a tokenizer.json's `pre_tokenizer`; byte-level BPE has GPT-2's
    built in.

    Empty where another kind of step is among them.
    """
    found = []
    for part in (step or {}).get("pretokenizers") or [step or {}]:
        kind = part.get("type")
        if kind == "Split":
            found.append(_written(part["pattern"].get("Regex", "")))
        elif kind == "ByteLevel" and part.get("use_regex", True):
            found.append(GPT2)
        elif kind == "Digits" and part.get("individual_digits"):
            found.append(r"\p{N}")
        elif kind != "ByteLevel":
            return ()
    return tuple(found)


def _written(regex: str) -> str:
    """With its line ends as escapes, as some files have them and some not."""
    return regex.replace("\r", r"\r").replace("\n", r"\n")


def _with_rule(own: Any, rule: Rule) -> Any:
    """The same tokenizer with that rule, without added tokens."""
    from tokenizers import Regex, Tokenizer, pre_tokenizers

    other = Tokenizer(own.model)
    if own.normalizer:
        other.normalizer = own.normalizer
    steps: list[Any] = [pre_tokenizers.Split(Regex(split), "isolated") for split in rule.splits]
    steps.append(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False))
    other.pre_tokenizer = pre_tokenizers.Sequence(steps)
    return other


def _tokens(tokenizer: Any) -> list[list[int]]:
    """The ids of the hard texts."""
    return [tokenizer.encode(text, add_special_tokens=False).ids for text in PROBES]


def _parts(tokenizer: Any) -> list[list[str]]:
    """The hard texts as they are split before any merge."""
    splits = [tokenizer.pre_tokenizer.pre_tokenize_str(text) for text in PROBES]
    return [[part for part, _ in found] for found in splits]
