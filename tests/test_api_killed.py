"""A kill -9 of the API under load: nothing that was acknowledged is lost or there twice."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
from api_process import HTTP, Endless, running, wait_for
from serving import serving

from rag.retriever import retrieve
from rag.store import open_collection
from workbench.chat.conversations import Conversations
from workbench.chat.events import Done, Token
from workbench.files import remove_old_parts
from workbench.jobs.job import Job, find_job
from workbench.jobs.processes import end, group_of, living
from workbench.settings import Settings

ASK = {
    "model": "workbench-none",
    "stream": True,
    "messages": [{"role": "user", "content": "When is high tide?"}],
}
COLLECTION = "/v1/collections/quay/documents"
MULTIPART = {"content-type": "multipart/form-data; boundary=b"}
DAYS = 2 * 86_400  # seconds


class Load:
    """Clients of one API. What was acknowledged is noted; what failed by the kill is not."""

    def __init__(self, url: str, settings: Settings) -> None:
        self.url = url
        self.chats = Conversations(settings.database)
        self.rated: dict[int, int] = {}
        self.removed: set[int] = set()
        self.jobs: dict[str, str] = {}
        self.pieces = 0
        self._killed = threading.Event()
        parts: list[Callable[[], None]] = [self._ask, self._ask, self._upload, self._write]
        self._threads = [threading.Thread(target=part) for part in [*parts, self._remove]]
        for thread in self._threads:
            thread.start()

    def wait(self) -> None:
        """Until every kind of work is in the middle."""
        until = time.monotonic() + 60
        while self.pieces < 20 or len(self.jobs) < 2 or len(self.removed) < 2:
            seen = (self.pieces, self.jobs, self.removed)
            assert time.monotonic() < until, seen
            time.sleep(0.01)

    def end(self) -> None:
        """The API is gone: the clients notice."""
        self._killed.set()
        for thread in self._threads:
            thread.join(30)

    def _ask(self) -> None:
        url = f"{self.url}/v1/chat/completions"
        with suppress(httpx.HTTPError), HTTP.stream("POST", url, json=ASK) as reply:
            for line in reply.iter_lines():
                self.pieces += "tide-" in line

    def _upload(self) -> None:
        """Two files, and a large one that is still on its way."""
        for number in range(2):
            name = f"tide-{number}.txt"
            text = f"On day {number} high tide is at six."
            sent = HTTP.post(self.url + COLLECTION, files={"files": (name, text.encode())})
            self.jobs[name] = sent.raise_for_status().json()["id"]
        with suppress(httpx.HTTPError):
            HTTP.post(self.url + COLLECTION, content=self._large(), headers=MULTIPART)

    def _large(self) -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="files"; filename="big.txt"\r\n\r\n'
        while not self._killed.is_set():
            yield b"x" * 65_536
            time.sleep(0.01)

    def _write(self) -> None:
        """What the app does meanwhile, in a process of its own."""
        while not self._killed.is_set():
            chat = self.chats.create("Tides")
            self.chats.add(chat, "user", "When?")
            answer = self.chats.add(chat, "assistant", "")
            self.chats.save(answer, [Token("At six."), Done("toy", 0.1)], "done")
            self.chats.rate(answer, 1)
            self.rated[chat] = answer
            time.sleep(0.02)

    def _remove(self) -> None:
        while not self._killed.is_set():
            left = [chat for chat in list(self.rated) if chat not in self.removed]
            for chat in left[:1]:
                try:
                    HTTP.delete(f"{self.url}/v1/chats/{chat}").raise_for_status()
                except httpx.HTTPError:
                    self.rated.pop(chat)  # nobody told whether it was removed
                    return
                self.removed.add(chat)
            time.sleep(0.05)


def _kill(job: Job) -> None:
    """Its processes too, as when a machine stops."""
    end(living(job.folder), group_of(job.folder), grace=0)


def test_a_kill_loses_and_doubles_nothing(settings: Settings) -> None:
    with serving(Endless) as model:
        with running(settings, model) as (url, server):
            load = Load(url, settings)
            try:
                load.wait()
                server.kill()
                goes_on, killed = (find_job(settings, job) for job in load.jobs.values())
                _kill(killed)
            finally:
                server.kill()
                load.end()
        with running(settings, model) as (url, _):
            _check(load, settings, url)
            told = {one["id"]: one["state"] for one in HTTP.get(f"{url}/v1/jobs").json()["data"]}
            assert set(told) == set(load.jobs.values()), "no job of the upload that broke off"
            assert told[killed.id] == killed.state != "running"
            assert told[goes_on.id] in ("running", "done"), "a job outlives the API"
            if killed.state == "interrupted":
                killed.resume()
            wait_for(lambda: goes_on.state == killed.state == "done")
            answer = HTTP.get(url + COLLECTION).json()["data"]
            assert sorted(one["name"] for one in answer) == sorted(load.jobs)
    quay = open_collection(settings, "quay")
    documents = Counter(Path(document.source).name for document in quay.documents())
    assert documents == Counter(list(load.jobs)) and quay.count() == len(load.jobs)
    found = [hit.passage.text for hit in retrieve("When is high tide?", quay, settings)]
    assert len(found) == len(set(found)) == len(load.jobs), "Chroma has each passage once"


def _check(load: Load, settings: Settings, url: str) -> None:
    """Chats and ratings are those that were acknowledged, each once."""
    kept = [chat.id for chat in load.chats.recent(limit=10**6)]
    sure = set(load.rated) - load.removed
    assert sure <= set(kept) and len(kept) == len(set(kept))
    assert not load.removed & set(kept)
    assert len(kept) <= len(sure) + 1, "one whose removal nobody acknowledged"
    for chat in sure:
        _, answer = load.chats.messages(chat)
        assert (answer.id, answer.content, answer.rating) == (load.rated[chat], "At six.", 1)
    told = HTTP.get(f"{url}/v1/chats", params={"limit": 1000}).json()["data"]
    assert sorted(chat["id"] for chat in told) == sorted(kept)


def test_what_killed_uploads_have_left_goes_after_a_day(tmp_path: Path) -> None:
    old, new = tmp_path / "a" / ".tide.txt.1-0a1b2c.part", tmp_path / ".tide.txt.2-0a1b2c.part"
    kept = tmp_path / "tide.part"
    old.parent.mkdir()
    for path in (old, new, kept):
        path.touch()
    for path in (old, kept):
        os.utime(path, (time.time() - DAYS, time.time() - DAYS))
    remove_old_parts(tmp_path)
    assert not old.exists() and new.exists() and kept.exists()
