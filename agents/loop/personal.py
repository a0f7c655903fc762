"""A text -> the places in it that look like personal data, each with its kind.

Numbers count only where their check digits are right: a false alarm on every long number would
teach a person to look away. Names count only where the text says that one follows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

KINDS = {
    # kind -> its name in English and Chinese
    "mail": ("mail address", "邮箱地址"),
    "identity": ("identity number", "身份证号"),
    "iban": ("bank account", "银行账号"),
    "card": ("card number", "银行卡号"),
    "phone": ("phone number", "电话号码"),
    "name": ("name", "姓名"),
}


@dataclass(frozen=True)
class Span:
    """Characters `begin` to `end` of the text, and their kind, a key of KINDS."""

    begin: int
    end: int
    kind: str


def _has_identity_check(text: str) -> bool:
    """The check digit of a Chinese identity number: GB 11643-1999, ISO 7064 MOD 11-2."""
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(text[:17]))
    return "10X98765432"[total % 11] == text[17].upper()


def _has_luhn_check(text: str) -> bool:
    """The check digit of payment cards: Luhn, ISO/IEC 7812-1."""
    digits = [int(sign) for sign in text if sign.isdigit()]
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def _has_iban_check(text: str) -> bool:
    """The check digits of an IBAN: ISO 13616, MOD 97-10."""
    packed = text.replace(" ", "").upper()
    if not 15 <= len(packed) <= 34:
        return False
    moved = packed[4:] + packed[:4]
    return int("".join(str(int(sign, 36)) for sign in moved)) % 97 == 1


def _is_phone(text: str) -> bool:
    return 9 <= sum(sign.isdigit() for sign in text) <= 15


def _always(_: str) -> bool:
    return True


# the hundred commonest surnames, most of China's people
SURNAMES = (
    "王李张刘陈杨黄赵周吴徐孙马胡朱郭何林高罗郑梁谢宋唐许邓冯韩曹曾彭萧蔡潘田董袁于余叶蒋杜苏魏程吕丁沈"
    "任姚卢傅钟姜崔谭廖范汪陆金石戴贾韦夏邱方侯邹熊孟秦白江阎薛尹段雷黎史龙陶贺顾毛郝龚邵万钱严武莫孔"
)
PATTERNS: Sequence[tuple[str, str, Callable[[str], bool]]] = [
    # kind, how it looks (group 1, where there is one, is the span), what else must hold
    ("mail", r"[\w.+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", _always),
    ("identity", r"(?<!\d)[1-9]\d{5}(?:19|20)\d{9}[\dXx](?![\dXx])", _has_identity_check),
    ("iban", r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b", _has_iban_check),
    ("card", r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)", _has_luhn_check),
    # Chinese mobile, Chinese landline, international, North American
    ("phone", r"(?<![\d.])(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)", _always),
    ("phone", r"(?<![\d.])0\d{2,3}-\d{7,8}(?!\d)", _always),
    ("phone", r"(?<![\w.])\+\d{1,3}(?:[ .()-]{0,2}\d{1,4}){2,6}(?!\d)", _is_phone),
    ("phone", r"(?<![\w.-])\(?\d{3}\)?[ .-]\d{3}[.-]\d{4}(?![\d-])", _always),
    ("name", r"\b[Mm]y name is ([A-Z][a-z]+(?: [A-Z][a-z]+)*)", _always),
    ("name", r"\b(?:Mr|Mrs|Ms|Dr|Prof)\.? ([A-Z][a-z]+(?: [A-Z][a-z]+)*)", _always),
    ("name", r"(?:我叫|我的名字是)([\u4e00-\u9fff]{2,4})(?![\u4e00-\u9fff])", _always),
    ("name", rf"([{SURNAMES}][\u4e00-\u9fff]{{0,2}}?(?:先生|女士|小姐))", _always),
]


@lru_cache(maxsize=8192)
def find_personal(text: str) -> tuple[Span, ...]:
    """The spans in their order; none overlaps another."""
    found: list[Span] = []
    for span in _matches(text):
        if not any(span.begin < other.end and other.begin < span.end for other in found):
            found.append(span)
    return tuple(sorted(found, key=lambda span: span.begin))


def _matches(text: str) -> Iterator[Span]:
    for kind, pattern, holds in PATTERNS:
        for match in re.finditer(pattern, text):
            group = 1 if match.re.groups else 0
            if holds(match[group]):
                yield Span(match.start(group), match.end(group), kind)
