"""Nobody sees or changes anything of another person through the API.

Every route of the app has a row in CASES: a new one without a row fails here. Each is asked with
the names and numbers of another person's things, and with made-up ones: both answers are equal.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from fake_jobs import fake_job, running_job
from fastapi.routing import iter_route_contexts
from retrieval_fakes import NoiseEmbedder
from served_api import served

from agents.api import documents, embeddings
from agents.api.access import OPEN
from agents.api.app import make_app
from agents.api.documents import id_of
from agents.api.keys import SCOPES, create_key, list_keys, revoke_key
from agents.databases.sources import add_source, list_sources
from agents.forecast.shelf import list_forecasts
from agents.question import Question
from agents.registry import Agent, registered
from rag.passages import Document, Locator, Passage
from rag.store import create_collection, list_collections, open_collection
from workbench.accounts import find_person, settings_in
from workbench.accounts.groups import add_group, join, leave
from workbench.accounts.people import (
    Person,
    Quota,
    add_person,
    change_quota,
    change_role,
    disable,
    enable,
)
from workbench.backup.making import make_backup
from workbench.backup.restoring import restore_backup
from workbench.chat.conversations import Conversations
from workbench.chat.events import Done, Event, Source, Token
from workbench.errors import Conflict, InvalidInput, NotFound
from workbench.files import write_json
from workbench.jobs.job import Job, list_jobs
from workbench.settings import Settings, load_settings

SECRET = "of-zoe-alone"  # in all that is Zoe's
EVERYTHING = [scope for scope in SCOPES if scope != "metrics"]


@dataclass(frozen=True)
class Names:
    """Of things that somebody asks for."""

    chat: int = 987_654
    collection: str = "madeup"
    document: str = "0" * 16
    passage: str = "madeup-1"
    job: str = "madeup"
    forecast: str = "madeup"
    source: str = "madeup"


MADE_UP = Names()
ZOES = Names(3, "harbour", "", "p-harbour", "job-zoe", "tides", "pier")
Ask = dict[str, Any]  # what httpx sends
FILES = {"files": ("tides.md", b"Six.")}


def _chat(names: Names, model: str) -> Ask:
    asked = [{"role": "user", "content": "What is there?"}]
    return {"url": "/v1/chat/completions", "json": {"model": model, "messages": asked}}


# route -> what to send, one or several
CASES: dict[str, Callable[[Names], list[Ask]]] = {
    "POST /v1/chat/completions": lambda names: [
        _chat(names, "workbench-spy"),
        _chat(names, f"workbench-documents:{names.collection}"),
        _chat(names, f"workbench-data:{names.source}"),
    ],
    "GET /v1/models": lambda names: [{"url": "/v1/models"}],
    "GET /v1/models/{name:path}": lambda names: [
        {"url": f"/v1/models/workbench-documents:{names.collection}"},
        {"url": f"/v1/models/workbench-data:{names.source}"},
    ],
    "POST /v1/embeddings": lambda names: [
        {"url": "/v1/embeddings", "json": {"model": "workbench-embeddings", "input": "x"}}
    ],
    "POST /forecast": lambda names: [
        {"url": "/forecast", "json": {}},
        {"url": "/forecast", "json": {"forecast": names.forecast}},
    ],
    "GET /v1/collections": lambda names: [{"url": "/v1/collections"}],
    "GET /v1/collections/{name}/documents": lambda names: [
        {"url": f"/v1/collections/{names.collection}/documents"}
    ],
    "POST /v1/collections/{name}/documents": lambda names: [
        {"url": f"/v1/collections/{names.collection}/documents", "files": FILES}
    ],
    "DELETE /v1/collections/{name}/documents/{document}": lambda names: [
        {"url": f"/v1/collections/{names.collection}/documents/{names.document}"}
    ],
    "GET /v1/collections/{name}/passages/{passage}": lambda names: [
        {"url": f"/v1/collections/{names.collection}/passages/{names.passage}"}
    ],
    "GET /v1/chats": lambda names: [{"url": "/v1/chats"}, {"url": f"/v1/chats?search={SECRET}"}],
    "GET /v1/chats/{number}": lambda names: [{"url": f"/v1/chats/{names.chat}"}],
    "DELETE /v1/chats/{number}": lambda names: [{"url": f"/v1/chats/{names.chat}"}],
    "GET /v1/jobs": lambda names: [{"url": "/v1/jobs"}],
    "GET /v1/jobs/{job}": lambda names: [{"url": f"/v1/jobs/{names.job}"}],
    "POST /v1/jobs/{job}/cancel": lambda names: [{"url": f"/v1/jobs/{names.job}/cancel"}],
    "GET /metrics": lambda names: [{"url": "/metrics"}],
    "GET /healthz": lambda names: [{"url": "/healthz"}],
    "GET /readyz": lambda names: [{"url": "/readyz"}],
    "GET /docs": lambda names: [{"url": "/docs"}],
    "GET /openapi.json": lambda names: [{"url": "/openapi.json"}],
}
CHANGES = {  # routes that a reader may not use
    "POST /v1/collections/{name}/documents",
    "DELETE /v1/collections/{name}/documents/{document}",
    "POST /v1/jobs/{job}/cancel",
}


def spy(question: Question) -> Iterator[Event]:
    """Tell all that an agent can reach by its settings."""
    settings = question.settings
    chats = Conversations(settings.database)
    told: list[Any] = [settings.home, settings.person]
    for chat in chats.recent():
        told += [chat.title, *(message.content for message in chats.messages(chat.id))]
    for collection in list_collections(settings, hidden=True):
        told += [collection.name, *(one.source for one in collection.documents())]
    told += [source.name for source in list_sources(settings)]
    told += [job.title for job in list_jobs(settings)]
    told += [kept.name for kept in list_forecasts(settings)]
    yield Token(" ".join(map(str, told)))
    yield Done("spy", 0.1)


SPY = Agent(
    mode="spy",
    run="test_accounts_api:spy",
    command="/spy",
    english="Spy",
    chinese="间谍",
    icon=":material/visibility:",
    busy=("Looking…", "正在看…"),
    description="Tells all.",
)


def fill(settings: Settings, names: Names, word: str) -> Names:
    """One thing of each kind in a space, all with the word in it; returns their names."""
    chats = Conversations(settings.database)
    for _ in range(names.chat):
        chat = chats.create(f"chat {word}")
    chats.add(chat, "user", f"question {word}")
    collection = create_collection(settings, names.collection, "noise", NoiseEmbedder.dimension)
    source = f"/files/{word}.md"
    passage = Passage(names.passage, f"text {word}", source, 0, Locator(page=1))
    document = Document(source, "0" * 64, 20, 0, "indexed", passages=1)
    with collection.writing():
        collection.replace([document], [passage], NoiseEmbedder().embed([passage.text]))
    file = settings.folder() / f"{word}.db"
    file.touch()
    add_source(settings, names.source, str(file))
    fake_job(settings, names.job, ["rag"], [{"event": "done", "text": word}])
    card = {"name": names.forecast, "word": word, "layout": {}}
    write_json(settings.folder("forecasts", names.forecast, "v1") / "card.json", card)
    write_json(settings.folder("forecasts", names.forecast) / "current.json", {"version": 1})
    return replace(names, chat=chat, document=id_of(document))


def state_of(home: Path) -> dict[str, str]:
    """Each file and its hash; the logs of databases come and go with readers."""
    files = [path for path in sorted(home.rglob("*")) if path.is_file()]
    kept = [path for path in files if not path.name.endswith(("-wal", "-shm", ".lock"))]
    return {
        str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest() for path in kept
    }


@dataclass
class Server:
    """The API over a workspace with people, and what they have."""

    root: Settings
    http: httpx.Client
    people: dict[str, Person]
    keys: dict[str, str]
    zoes: Names
    teams: Names

    def ask(self, who: str, route: str, sent: Ask) -> httpx.Response:
        key = self.keys.get(who, "")
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return self.http.request(route.split()[0], **sent, headers=headers)

    def home(self, who: str, space: str = "") -> Path:
        person = find_person(self.root, who)
        assert person
        return settings_in(self.root, person, space).home


def no_job(settings: Settings, title: str, command: list[str]) -> Job:
    return fake_job(settings, "new-job", command)


@pytest.fixture(scope="module")
def server(
    new_workspace: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Ada and Zoe are editors, Rita reads in Zoe's team, Dora is disabled."""
    home = new_workspace(tmp_path_factory.mktemp("people"))
    root = load_settings(home=home, model="none")
    roles = {"Root": "admin", "Ada": "editor", "Zoe": "editor", "Rita": "reader", "Dora": "editor"}
    people = {name: add_person(root, name, None, role) for name, role in roles.items()}  # type: ignore[arg-type]
    add_group(root, "team")
    for name in ("Zoe", "Rita"):
        join(root, "team", name)
        people[name] = find_person(root, name) or people[name]
    keys = {}
    for name in people:
        keys[name] = make_key(root, name)
    keys["Rita in the team"] = make_key(root, "Rita", "team")
    keys["Zoe in the team"] = make_key(root, "Zoe", "team")
    keys["Root in main"] = make_key(root, "Root", "main")
    keys["expired"] = create_key(root, "old", EVERYTHING, days=1e-9, user="Zoe")
    revoked = create_key(root, "revoked", EVERYTHING, user="Zoe")
    revoke_key(root, "revoked", "Zoe")
    keys |= {"revoked": revoked, "wrong": "wb-wrong"}
    disable(root, "Dora")
    zoes = fill(settings_in(root, people["Zoe"]), ZOES, SECRET)
    team = settings_in(root, people["Zoe"], "team")
    teams = fill(team, replace(ZOES, collection="quay", job="job-team"), f"team-{SECRET}")
    fill(settings_in(root, people["Ada"]), Names(1, "own", "", "p-1", "mine", "mine", "mine"), "a")
    with pytest.MonkeyPatch.context() as patched, registered(SPY), served(root) as url:
        patched.setattr(documents, "start", no_job)
        patched.setattr(embeddings, "load_embedder", lambda name, settings: NoiseEmbedder())
        with httpx.Client(base_url=url) as http:
            yield Server(root, http, people, keys, zoes, teams)


def make_key(root: Settings, name: str, space: str = "") -> str:
    return create_key(
        root, f"{name} {space}", EVERYTHING, per_minute=100_000, user=name, space=space
    )


def same(answer: httpx.Response, names: Names) -> str:
    """The answer without the names that were asked for, and without numbers."""
    text = f"{answer.status_code} {answer.text}"
    for value in vars(names).values():
        if isinstance(value, str):
            text = text.replace(value, "NAME")
    return re.sub(r"chatcmpl-\w+|\d[\d.]*(e-?\d+)?", "0", text)


def test_every_route_has_a_case() -> None:
    found = set()
    for route in iter_route_contexts(make_app(load_settings()).routes):
        found |= {f"{method} {route.path}" for method in route.methods - {"HEAD"}}
    assert found == CASES.keys(), "a route without a row here, or a row without a route"


@pytest.mark.parametrize("who", ["Ada", "Rita", "Root", "Root in main"])
def test_things_of_others_are_as_if_they_were_not(who: str, server: Server) -> None:
    before = {name: state_of(server.home("Zoe", name)) for name in ("", "team")}
    asked = 0
    for route, case in CASES.items():
        for names in (server.zoes, server.teams):
            for real, made_up in zip(case(names), case(MADE_UP), strict=True):
                answer = server.ask(who, route, real)
                other = server.ask(who, route, made_up)
                assert SECRET not in answer.text, route
                assert same(answer, names) == same(other, MADE_UP), route
                assert answer.status_code < 500, answer.text
                asked += 1
    assert asked > 50
    assert before == {name: state_of(server.home("Zoe", name)) for name in ("", "team")}


@pytest.mark.parametrize("who", ["", "Dora", "expired", "revoked", "wrong"])
def test_who_may_not_come_in_sees_nothing(who: str, server: Server) -> None:
    before = state_of(server.root.home)
    checked = 0
    for route, case in CASES.items():
        for sent in case(server.zoes):
            answer = server.ask(who, route, sent)
            assert answer.status_code == (200 if sent["url"] in OPEN else 401), route
            assert SECRET not in answer.text and "Zoe" not in answer.text, route
            checked += 1
    assert checked > 20 and before == state_of(server.root.home)


def test_a_reader_asks_but_changes_nothing(server: Server) -> None:
    team = server.home("Zoe", "team")
    before = state_of(team)
    for route, case in CASES.items():
        asked = case(server.teams)[:1] if "chat/completions" in route else case(server.teams)
        for sent in asked:  # the other modes write what they derive, such as an index of words
            answer = server.ask("Rita in the team", route, sent)
            refused = route in CHANGES or sent["url"] == "/metrics"
            assert (answer.status_code == 403) == refused, (route, answer.text)
    after = state_of(team)
    assert before == {path: after[path] for path in before}
    new = after.keys() - before.keys()
    assert all(path.startswith("people/Rita/") for path in new), "her own chats alone"
    answer = server.ask("Rita in the team", "GET", {"url": "/v1/chats"})
    assert answer.json() == {"data": []}, "Zoe's chats in the team are Zoe's"
    (seen,) = server.ask("Rita in the team", "GET", {"url": "/v1/collections"}).json()["data"]
    assert seen["name"] == "quay", "what the team has is hers to read"


def test_the_owner_reaches_all_of_it(server: Server) -> None:
    """Each case above really asks for something that exists."""
    reached = set()
    kept = [one for one in CASES if not one.startswith("DELETE") and "cancel" not in one]
    for route in kept:
        for sent, nothing in zip(CASES[route](server.zoes), CASES[route](MADE_UP), strict=True):
            if route not in reached:
                answer = server.ask("Zoe", route, sent)
                other = server.ask("Zoe", route, nothing)
                if SECRET in answer.text or same(answer, server.zoes) != same(other, MADE_UP):
                    reached.add(route)
    others = {"POST /v1/embeddings", "GET /metrics"} | {f"GET {path}" for path in OPEN}
    adds = {"POST /v1/collections/{name}/documents"}
    assert set(kept) - others - adds == reached - others - adds
    zoe = settings_in(server.root, server.people["Zoe"])
    with running_job(zoe, "job-ends", ["rag"]):
        ends = CASES["POST /v1/jobs/{job}/cancel"](replace(server.zoes, job="job-ends"))[0]
        assert server.ask("Ada", "POST", ends).status_code == 404
        assert server.ask("Zoe", "POST", ends).json()["state"] == "cancelled"
    for route in CASES:
        if route.startswith("DELETE"):
            (sent,) = CASES[route](server.zoes)
            assert server.ask("Zoe", route, sent).json()["deleted"], route


def test_a_backup_has_the_spaces_and_who_works_in_them(server: Server, tmp_path: Path) -> None:
    team = settings_in(server.root, server.people["Zoe"], "team")
    chats = Conversations(team.database)
    place = f"{team.home}/uploads/a.md"
    chat = chats.create("cites")
    message = chats.add(chat, "assistant", "", state="streaming")
    chats.save(message, [Source(1, "text", place, "p. 1", 1.0, "p1", "quay")], "done")
    derived = team.folder("collections", "1", "lexical-9-9") / "ids.json"
    derived.write_text("[]")
    assert (team.home / "chroma").is_dir()
    make_backup(server.root, tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        names = archive.namelist()
    assert not [name for name in names if "chroma" in name or "lexical-" in name]
    restore_backup(server.root, tmp_path / "all.zip", tmp_path / "elsewhere")
    there = server.root.model_copy(update={"home": tmp_path / "elsewhere"})
    zoe = find_person(there, "Zoe")
    assert zoe and zoe == find_person(server.root, "Zoe")
    moved = settings_in(there, zoe, "team")
    [cited] = Conversations(moved.database).messages(chat)[0].events
    assert cited.source == f"{moved.home}/uploads/a.md"
    assert open_collection(moved, "quay").count() == 1
    assert list((moved.home / "collections/1").glob("lexical-*")), "built again in the space"


def test_metrics_are_for_an_admins_key(server: Server) -> None:
    with pytest.raises(InvalidInput, match="metrics"):
        create_key(server.root, "counts", ["metrics"], user="Ada")
    server.keys["counts"] = create_key(server.root, "counts", ["metrics"], user="Root")
    assert server.ask("counts", "GET", {"url": "/metrics"}).status_code == 200
    change_role(server.root, "Ada", "admin")
    change_role(server.root, "Root", "editor")
    assert server.ask("counts", "GET", {"url": "/metrics"}).status_code == 403
    change_role(server.root, "Root", "admin")
    change_role(server.root, "Ada", "editor")


def test_a_key_lives_with_its_owner_and_space(server: Server) -> None:
    listed = {"url": "/v1/collections"}
    assert server.ask("Rita in the team", "GET", listed).status_code == 200
    leave(server.root, "team", "Rita")
    assert server.ask("Rita in the team", "GET", listed).status_code == 403
    join(server.root, "team", "Rita", "reader")
    assert server.ask("Rita in the team", "GET", listed).status_code == 200
    disable(server.root, "Rita")
    assert server.ask("Rita in the team", "GET", listed).status_code == 401
    enable(server.root, "Rita")
    for user, space, wrong in (
        ("", "", InvalidInput),
        ("Nobody", "", NotFound),
        ("Ada", "team", NotFound),
        ("Ada", "main", NotFound),
    ):
        with pytest.raises(wrong):
            create_key(server.root, "new", ["chat"], user=user, space=space)
    with pytest.raises(Conflict):
        create_key(server.root, "Ada", ["chat"], user="ada")
    assert create_key(server.root, "Ada", ["chat"], user="Rita"), "names are each person's own"
    assert [key.name for key in list_keys(server.root, "Ada")] == ["Ada"]


def test_answers_of_the_day_are_told_when_used_up(server: Server) -> None:
    change_quota(server.root, "Ada", Quota(answers_a_day=1))
    sent = _chat(MADE_UP, "workbench-spy")
    wrong = _chat(MADE_UP, "workbench-nothing")
    assert server.ask("Ada", "POST", wrong).status_code == 404, "which costs nothing"
    assert server.ask("Ada", "POST", sent).status_code == 200
    refused = server.ask("Ada", "POST", sent)
    assert refused.status_code == 429 and int(refused.headers["retry-after"]) > 0
    assert refused.json()["error"]["code"] == "quota_exceeded"
    assert server.ask("Zoe", "POST", sent).status_code == 200
    change_quota(server.root, "Ada", Quota())


def test_a_full_space_takes_no_more_files(server: Server) -> None:
    change_quota(server.root, "Ada", Quota(megabytes=1))
    big = {"files": ("big.md", bytes(np.full(1_100_000, 65, np.uint8)))}
    sent = {"url": "/v1/collections/own/documents", "files": big}
    refused = server.ask("Ada", "POST", sent)
    assert refused.status_code == 507 and "1 MB is full" in refused.text
    assert not (server.home("Ada") / "uploads/own").exists()
    change_quota(server.root, "Ada", Quota())


def test_with_the_first_person_the_api_is_open_no_more(settings: Settings) -> None:
    with served(settings) as url, httpx.Client(base_url=url) as http:
        assert http.get("/v1/chats").status_code == 200
        old = create_key(settings, "before", ["chats"])
        headers = {"authorization": f"Bearer {old}"}
        assert http.get("/v1/chats", headers=headers).status_code == 200
        add_person(settings, "Ada", None)
        said = http.get("/v1/chats", headers=headers)
        assert said.status_code == 401 and "belongs to nobody" in json.dumps(said.json())
        revoke_key(settings, "before")
        assert http.get("/v1/chats").status_code == 401
        with pytest.raises(InvalidInput, match="needs a user"):
            create_key(settings, "before", ["chats"])
