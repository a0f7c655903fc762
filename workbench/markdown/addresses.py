"""An address -> the same as a page may link it, and where it leads; or nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

# what a reader takes for an address; punctuation after it belongs to the sentence
BARE = re.compile(r"(?:https?://|www\.(?=\w))[!#-&(-;=?-Z_a-z~]{1,2000}", re.IGNORECASE)
AFTER = ".,;:!?*_~)"
HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\]")
UNTOUCHED = "/%:@!&'+,;=?~-._"
LONGEST = 2_000


@dataclass(frozen=True)
class Address:
    """Where a link leads: the whole address and its host, both in ASCII, so none looks alike."""

    url: str
    host: str

    def told_by(self, words: str) -> bool:
        """Whether the words are the address, or its host and what follows it."""
        origin = f"{self.url.split('://')[0]}://{self.host}"
        begins = [begin for begin in (origin, self.host) if words.startswith(begin)]
        return any(words[len(begin) : len(begin) + 1] in ("", "/", "?", "#") for begin in begins)


def read_address(text: str) -> Address | None:
    """The address where it is http or https, without a name before an @; else None.

    A host of other letters than ASCII becomes its punycode.
    """
    if len(text) > LONGEST or re.search(r"[\s\\\x00-\x1f]", text):
        return None
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").encode("idna").decode("ascii").lower()
        port = parts.port
    except (ValueError, UnicodeError):
        return None
    host = f"[{host}]" if ":" in host else host
    if parts.scheme not in ("http", "https") or "@" in parts.netloc or not HOST.fullmatch(host):
        return None
    place = host if port is None else f"{host}:{port}"
    rest = quote(parts.path, UNTOUCHED)
    if parts.query:
        rest += "?" + quote(parts.query, UNTOUCHED)
    if parts.fragment:
        rest += "#" + quote(parts.fragment, UNTOUCHED)
    return Address(f"{parts.scheme}://{place}{rest}", place)


def bare_addresses(text: str) -> list[tuple[int, int, Address]]:
    """Begin, end and address of each that stands in a text."""
    found = []
    for match in BARE.finditer(text):
        written = _without_the_sentence(match[0])
        whole = written if "://" in written[:8] else f"https://{written}"
        address = read_address(whole)
        if address:
            found.append((match.start(), match.start() + len(written), address))
    return found


def _without_the_sentence(written: str) -> str:
    while written and written[-1] in AFTER:
        if written[-1] == ")" and written.count("(") >= written.count(")"):
            break  # it closes a bracket within the address
        written = written[:-1]
    return written
