"""A Hugging Face hub with one model, slow where it is asked to be; it records what it sends."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from serving import Answering, serving

SHA = "0123456789abcdef0123456789abcdef01234567"
PIECE = 1 << 18  # bytes sent at a time


@dataclass
class Hub:
    """The model's name and files, and what was asked of them."""

    files: dict[str, bytes]
    name: str = "org/tiny"
    pause: float = 0.0  # seconds before each piece of a file
    ranges: list[str] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        siblings = [
            {
                "rfilename": name,
                "size": len(data),
                "blobId": etag(data),
                "lfs": {
                    "sha256": hashlib.sha256(data).hexdigest(),
                    "size": len(data),
                    "pointerSize": 100,
                },
            }
            for name, data in self.files.items()
        ]
        return {"id": self.name, "sha": SHA, "siblings": siblings}


def etag(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()


@contextmanager
def running_hub(hub: Hub) -> Iterator[str]:
    """Its address, while it runs."""

    class Handler(Answering):
        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def _answer(self, with_body: bool) -> None:
            path = self.path.partition("?")[0]
            if path.startswith(f"/api/models/{hub.name}"):
                self._json(200, hub.facts())
            elif path.startswith(f"/{hub.name}/resolve/"):
                self._file(hub.files[path.split("/", 5)[5]], with_body)
            else:
                self._json(404, {"error": "Repository not found"}, "RepoNotFound")

        def _file(self, data: bytes, with_body: bool) -> None:
            wanted = self.headers.get("Range", "")
            first = int(wanted.removeprefix("bytes=").split("-")[0]) if wanted else 0
            if wanted and with_body:
                hub.ranges.append(wanted)
            self.send_response(206 if wanted else 200)
            self.send_header("ETag", f'"{etag(data)}"')
            self.send_header("X-Repo-Commit", SHA)
            self.send_header("Content-Length", str(len(data) - first))
            if wanted:
                self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
            self.end_headers()
            try:
                for start in range(first, len(data) if with_body else first, PIECE):
                    time.sleep(hub.pause)
                    self.wfile.write(data[start : start + PIECE])
            except OSError:
                return  # the client went away

        def _json(self, status: int, data: Any, code: str = "") -> None:
            headers = {"X-Error-Code": code} if code else {}
            self.send_whole("application/json", json.dumps(data).encode(), status, headers)

    with serving(Handler) as url:
        yield url
