"""A file at a URL -> a stream, by fsspec: s3://, gs://, sftp://, file://, and what else it knows.

Keys come from the environment, as each storage's own programs take them (AWS_ACCESS_KEY_ID,
GOOGLE_APPLICATION_CREDENTIALS); a URL with a password is refused, because others can see it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import urlsplit

from workbench.errors import Conflict, InvalidInput, NotFound, Unavailable, WorkbenchError
from workbench.extras import how_to_install
from workbench.files import writing
from workbench.messages import say

URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s:@]*(:\d+)?(/[^\s]*)?", re.IGNORECASE)
EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "sftp": "sftp", "ssh": "sftp"}
BLOCK = 8 << 20  # bytes that are sent or fetched at a time


def is_url(place: str) -> bool:
    """Whether a place is an address rather than a path of this machine."""
    return "://" in place


@contextmanager
def writing_to(url: str, *, replace: bool = False) -> Iterator[IO[bytes]]:
    """A stream to write a file to, which exists only once all of it is written.

    Raises Conflict where it exists, unless it may be replaced, InvalidInput, Unavailable.
    """
    system, path = _found(url)
    with _failing(url):
        there = system.exists(path)
    if there and not replace:
        raise Conflict(
            say("{path} exists.", path=url), "Name another file, or give --replace for this one."
        )
    with _failing(url), ExitStack() as opened:  # the last step may fail as well
        if _is_local(system):
            # fsspec would write to the folder of temporary files first
            part = opened.enter_context(writing(Path(path)))
            stream: IO[bytes] = opened.enter_context(part.open("xb"))
        else:
            opened.enter_context(system.transaction)
            remote = opened.enter_context(system.open(path, "wb", block_size=BLOCK))
            stream = cast(IO[bytes], _Onward(remote))
        yield stream


class _Onward(io.RawIOBase):
    """A stream that is written from its first byte to its last.

    SFTP's says that it can be written at any place, and then writes at its end: archives that went
    back to complete an entry were broken.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._written = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self._stream.write(data)
        self._written += len(data)
        return len(data)

    def tell(self) -> int:
        return self._written


@contextmanager
def reading_from(url: str) -> Iterator[IO[bytes]]:
    """A stream that can be read at any place. Raises NotFound, InvalidInput, Unavailable."""
    system, path = _found(url)
    with _failing(url), system.open(path, "rb", block_size=BLOCK) as stream:
        yield stream


def _found(url: str) -> tuple[Any, str]:
    """(the storage, the path in it). Raises InvalidInput, Unavailable."""
    if not URL.fullmatch(url) or "::" in url:
        raise InvalidInput(
            say("{url} is no address that can be used.", url=_without_password(url)),
            "Give it as s3://BUCKET/NAME, gs://BUCKET/NAME, sftp://HOST/PATH or file:///PATH, "
            "without name and password: keys come from the environment.",
        )
    from fsspec.core import url_to_fs

    kind = url.partition("://")[0]
    try:
        with _failing(url):
            return url_to_fs(url, **_options(kind, url))
    except ImportError as error:  # it names the library
        raise Unavailable(
            say("Addresses of {kind}:// need a library: {reason}", kind=kind, reason=str(error)),
            how_to_install(EXTRAS[kind]) if kind in EXTRAS else "Install it in this environment.",
        ) from error
    except ValueError as error:
        raise InvalidInput(
            say("{kind}:// is no storage that is known.", kind=kind),
            "Use s3://, gs://, sftp:// or file://.",
        ) from error


def _options(kind: str, url: str) -> dict[str, Any]:
    """What fsspec is told beside the address. Raises ImportError."""
    if EXTRAS.get(kind.lower()) != "sftp":
        return {}
    from workbench.sftp import options_for

    return options_for(urlsplit(url).path)


def _is_local(system: Any) -> bool:
    return "file" in (system.protocol if isinstance(system.protocol, tuple) else [system.protocol])


@contextmanager
def _failing(url: str) -> Iterator[None]:
    """What a storage's library raises, as errors of ours; what comes from elsewhere as it is."""
    try:
        yield
    except (WorkbenchError, ImportError):
        raise
    except FileNotFoundError as error:
        raise NotFound(say("There is nothing at {url}.", url=url), "Check the address.") from error
    except Exception as error:
        if not isinstance(error, OSError) and type(error).__module__.split(".")[0] not in FOREIGN:
            raise
        raise Unavailable(
            say("The storage at {url} failed: {reason}", url=url, reason=str(error) or repr(error)),
            "Look whether it can be reached, and at the keys in the environment.",
        ) from error


# libraries of storages, whose errors are none of Python's own
FOREIGN = ("botocore", "aiobotocore", "gcsfs", "google", "adlfs", "azure", "aiohttp", "paramiko")


def _without_password(url: str) -> str:
    return re.sub(r"//[^/@]*@", "//…@", url)
