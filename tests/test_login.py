"""The login without a browser: the form, the cookie, and the gate before everything."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from itsdangerous import URLSafeTimedSerializer
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from agents.api.access import OPEN as PUBLIC
from agents.api.app import make_app, paths_of
from agents.api.keys import SCOPES, create_key
from workbench.accounts import find_person
from workbench.accounts.database import changing
from workbench.accounts.groups import add_group, join
from workbench.accounts.people import add_person, change_role, disable, enable
from workbench.accounts.signing_in import end_sessions, set_password
from workbench.errors import InvalidInput
from workbench.login import gate, ticket
from workbench.login.beside import Beside
from workbench.login.gate import OIDC_COOKIE, Gate
from workbench.login.outside import enter
from workbench.login.routes import login_routes, own_path
from workbench.login.ticket import COOKIE, IDLE, LONGEST, read_ticket, write_ticket
from workbench.settings import Settings, load_settings

PASSWORD = "seven lamps on the quay"
PAGES = ("/", "/data", "/anything")
PARTS = ("/static/main.js", "/_stcore/host-config", "/_stcore/agent/mcp", "/media/a.png")


class Sessions:
    """What Streamlit would say: one session and one picture of anna's."""

    def owner_of(self, session: str) -> str:
        return {"of-anna": "anna"}.get(session, "")

    def shows_file(self, file: str, name: str) -> bool:
        return (file, name) == ("a.png", "anna")

    def going_to(self, path: str) -> bytes:
        return f"go to {path}".encode()


class Provider:
    """Streamlit's part of a login from elsewhere: what the provider has said."""

    def __init__(self, **claims: Any) -> None:
        self._claims = claims

    def providers(self) -> list[str]:
        return ["default"] if self._claims else []

    def way_to(self, provider: str) -> str:
        return f"/auth/login?provider={provider}"

    def claims(self, cookies: Mapping[str, str]) -> Mapping[str, Any] | None:
        return self._claims if OIDC_COOKIE in cookies else None

    def used_cookies(self, cookies: Mapping[str, str]) -> list[str]:
        return [OIDC_COOKIE]


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(socket.headers.get("sec-websocket-protocol", ""))
    with suppress(WebSocketDisconnect):
        while True:
            await socket.send_bytes(await socket.receive_bytes())


async def page(request: Request) -> PlainTextResponse:
    return PlainTextResponse("the app", headers={"cache-control": "no-cache"})


@pytest.fixture(scope="module")
def root(
    new_workspace: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    root = load_settings(home=new_workspace(tmp_path_factory.mktemp("login")))
    for name in ("anna", "bert"):
        add_person(root, name, PASSWORD)
    return root


def app_on(root: Settings, outside: Provider | None = None) -> Starlette:
    routes = [
        *login_routes(outside or Provider(), root),
        WebSocketRoute("/_stcore/stream", echo),
        Route("/{path:path}", page, methods=["GET", "PUT", "DELETE"]),
    ]
    return Starlette(
        routes=routes, middleware=[Middleware(Gate, sessions=Sessions(), settings=root)]
    )


@pytest.fixture
def client(root: Settings) -> Iterator[TestClient]:
    with TestClient(app_on(root), follow_redirects=False) as client:
        yield client


def form_of(client: TestClient, name: str, password: str, wanted: str = "/") -> dict[str, str]:
    page = client.get("/login").text
    found = re.search('name="token" value="([^"]+)"', page)
    assert found
    return {"token": found[1], "name": name, "password": password, "next": wanted}


def sign_in(client: TestClient, name: str = "anna", **headers: str) -> Any:
    return client.post("/login", data=form_of(client, name, PASSWORD, "/data"), headers=headers)


def as_person(
    client: TestClient, root: Settings, name: str = "anna", host: str = "testserver.local"
) -> None:
    person = find_person(root, name)
    assert person
    keep_cookie(client, COOKIE, write_ticket(root, person), host)


def keep_cookie(client: TestClient, name: str, value: str, host: str = "testserver.local") -> None:
    if name in client.cookies:
        client.cookies.delete(name)
    client.cookies.set(name, value, domain=host)


def test_without_accounts_nothing_is_asked(settings: Settings) -> None:
    with TestClient(app_on(settings), follow_redirects=False) as client:
        assert client.get("/data").text == "the app"
        assert client.get("/login").headers["location"] == "/"
        with client.websocket_connect("/_stcore/stream") as socket:
            socket.receive_text()
            socket.send_bytes(b"1")
            assert socket.receive_bytes() == b"1"
            add_person(settings, "first", PASSWORD)  # from now on an open page is nobody's
            socket.send_bytes(b"2")
            assert socket.receive_bytes() == b"go to /login"


def test_nothing_is_served_without_a_login(client: TestClient) -> None:
    for path in PAGES:
        answer = client.get(path)
        assert answer.status_code == 303 and answer.headers["location"] == f"/login?next={path}"
        assert client.put(path).status_code == 403
    for path in PARTS:
        for method in ("GET", "PUT", "DELETE"):
            answer = client.request(method, path)
            assert answer.status_code == 403 and "the app" not in answer.text, (method, path)
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/_stcore/stream"):
        pass
    assert client.get("/_stcore/health").status_code == 200


def test_a_person_signs_in_and_out(client: TestClient, root: Settings) -> None:
    answer = sign_in(client)
    assert (answer.status_code, answer.headers["location"]) == (303, "/data")
    cookie = next(one for one in answer.headers.get_list("set-cookie") if COOKIE in one)
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Secure" not in cookie
    answer = client.get("/data")
    assert answer.text == "the app" and answer.headers["cache-control"] == "no-store"
    assert client.get("/login").headers["location"] == "/"
    kept = client.cookies[COOKIE]
    assert client.get("/logout").headers["location"] == "/login"
    assert COOKIE not in client.cookies
    keep_cookie(client, COOKIE, kept)  # a copy that somebody has kept
    assert client.get("/data").status_code == 303


def test_a_foreign_page_signs_nobody_out(client: TestClient, root: Settings) -> None:
    as_person(client, root)
    kept = client.cookies[COOKIE]
    client.get("/logout", headers={"sec-fetch-site": "cross-site"})
    assert read_ticket(root, kept)


def test_behind_https_the_cookie_is_for_https_alone(client: TestClient) -> None:
    answer = sign_in(client, **{"x-forwarded-proto": "https"})
    assert any(COOKIE in one and "Secure" in one for one in answer.headers.get_list("set-cookie"))


def test_wrong_passwords_are_told_alike_and_slowed_down(
    client: TestClient, settings: Settings
) -> None:
    add_person(settings, "carl", PASSWORD)
    with TestClient(app_on(settings), follow_redirects=False) as slowed:
        wrong = slowed.post("/login", data=form_of(slowed, "carl", "nonsense"))
        unknown = slowed.post("/login", data=form_of(slowed, "nobody", "nonsense"))
        said = [re.search('role="alert">([^<]+)', one.text) for one in (wrong, unknown)]
        assert wrong.status_code == unknown.status_code == 401
        assert said[0] and said[1] and said[0][1] == said[1][1]
        with changing(settings) as database:  # as if there had been many
            database.execute("update attempts set until = :until", {"until": time.time() + 60})
        form = form_of(slowed, "carl", PASSWORD)
        held = slowed.post("/login", data=form, headers={"accept-language": "zh-CN"})
        assert held.status_code == 429 and re.search(r"\d+ 秒", held.text)  # a right one waits too


def test_a_form_of_elsewhere_signs_nobody_in(client: TestClient, root: Settings) -> None:
    form = form_of(client, "anna", PASSWORD)
    own = client.cookies["workbench_form"]
    for token, nonce in (("", own), ("nonsense", own), (form["token"], ""), (form["token"], "x")):
        keep_cookie(client, "workbench_form", nonce)
        answer = client.post("/login", data=form | {"token": token})
        assert answer.status_code == 400 and COOKIE not in client.cookies
    large = client.post("/login", content=b"name=" + b"x" * 20_000)
    assert large.status_code == 400


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example", "/\\evil", "x", "/a\n"])
def test_the_way_on_stays_in_the_app(path: str) -> None:
    assert own_path(path) == "/"
    assert own_path("/knowledge") == "/knowledge"


def test_what_a_person_types_is_text(client: TestClient) -> None:
    answer = client.post("/login", data=form_of(client, '"><b id=x>', "nonsense"))
    assert "<b id=x>" not in answer.text and "&lt;b id=x&gt;" in answer.text


def test_a_cookie_ends_with_what_it_stands_for(root: Settings) -> None:
    person = add_person(root, "dora", PASSWORD)
    old = write_ticket(root, person)
    assert read_ticket(root, old)
    disable(root, "dora")
    assert read_ticket(root, old) is None
    enable(root, "dora")
    assert read_ticket(root, old) is None  # the old cookie is not the way back
    for end in (
        lambda: set_password(root, "dora", "eight lamps on the quay"),
        lambda: end_sessions(root, "dora"),
    ):
        found = find_person(root, "dora")
        assert found
        before = write_ticket(root, found)
        assert read_ticket(root, before)
        end()
        assert read_ticket(root, before) is None
    long_ago = write_ticket(root, person, begun=time.time() - LONGEST - 1)
    assert read_ticket(root, long_ago) is None


def test_a_cookie_that_was_not_written_here_is_none(
    root: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = find_person(root, "anna")
    assert person
    good = write_ticket(root, person)
    facts = [person.name, person.session_epoch, time.time()]
    forged = URLSafeTimedSerializer("guessed", salt="workbench login").dumps(facts)
    sealed = ticket.seal(root, "form", facts)  # our own signature, for another purpose
    for text in ("", "x", good[:-1], good[1:], forged, sealed, ticket.seal(root, "login", "text")):
        assert read_ticket(root, text) is None
    monkeypatch.setattr(time, "time", lambda now=time.time: now() + IDLE + 1)
    assert read_ticket(root, good) is None


def test_the_secret_is_made_once_and_only_the_owner_reads_it(root: Settings) -> None:
    path = root.home / ticket.SECRET_FILE
    before = path.read_text("utf-8")
    assert len(before) > 40 and path.stat().st_mode & 0o077 == 0
    ticket.seal(root, "form", 1)
    assert path.read_text("utf-8") == before


def test_several_servers_share_a_secret(settings: Settings, monkeypatch: Any) -> None:
    monkeypatch.setenv("WORKBENCH_COOKIE_SECRET", "of the whole team")
    one, other = load_settings(), load_settings()
    assert ticket.unseal(other, "form", ticket.seal(one, "form", 1), 60) == 1
    assert not (settings.home / ticket.SECRET_FILE).exists()


def test_a_login_is_renewed_by_pages(client: TestClient, root: Settings, monkeypatch: Any) -> None:
    as_person(client, root)
    old = client.cookies[COOKIE]
    client.get("/")
    assert client.cookies[COOKIE] == old
    monkeypatch.setattr(gate, "RENEWED_AFTER", -1)
    client.get("/static/main.js")
    assert client.cookies[COOKIE] == old
    answer = client.get("/")
    found = read_ticket(root, client.cookies[COOKIE])
    before = read_ticket(root, old)
    assert COOKIE in answer.headers["set-cookie"] and found and before
    assert found.begun == before.begun


@pytest.mark.parametrize("name", ["anna", "bert"])
def test_uploads_and_pictures_are_the_session_s_own(
    client: TestClient, root: Settings, name: str
) -> None:
    as_person(client, root, name)
    expected = 200 if name == "anna" else 403
    assert client.get("/media/a.png").status_code == expected
    assert client.get("/media/b.png").status_code == 403
    assert client.put("/_stcore/upload_file/of-anna/1").status_code == expected
    assert client.put("/_stcore/upload_file/of-nobody/1").status_code == 403
    protocols = ["streamlit", "token", "of-anna"]
    with client.websocket_connect("/_stcore/stream", subprotocols=protocols) as socket:
        assert ("of-anna" in socket.receive_text()) == (name == "anna")


CHANGES: dict[str, tuple[Callable[[Settings], None], str]] = {
    "disabled": (lambda root: disable(root, "erik"), "/login"),
    "another password": (lambda root: set_password(root, "erik", "nine lamps here"), "/login"),
    "signed out": (lambda root: end_sessions(root, "erik"), "/login"),
    "another role": (lambda root: change_role(root, "erik", "reader"), "/"),
    "another group": (lambda root: join(root, "crew", "erik"), "/"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_open_page_ends_with_its_login(
    settings: Settings, root: Settings, change: str, client: TestClient
) -> None:
    for name in ("boss", "erik"):
        add_person(settings, name, PASSWORD)
    add_group(settings, "crew")
    step, way_out = CHANGES[change]
    with TestClient(app_on(settings)) as open_client:
        as_person(open_client, settings, "erik")
        with open_client.websocket_connect("/_stcore/stream") as socket:
            socket.receive_text()
            socket.send_bytes(b"1")
            assert socket.receive_bytes() == b"1"
            step(settings)
            socket.send_bytes(b"2")
            assert socket.receive_bytes() == f"go to {way_out}".encode()
            with pytest.raises(WebSocketDisconnect):
                socket.receive_bytes()


def test_programs_come_in_beside_the_app_by_a_key_alone(root: Settings) -> None:
    api = make_app(root)
    paths = paths_of(api)
    assert len(paths) > 15
    app = Beside(app_on(root), other=api, paths=paths)
    key = {"authorization": f"Bearer {create_key(root, 'all', list(SCOPES), user='anna')}"}
    with TestClient(app, "http://localhost", follow_redirects=False) as client:
        as_person(client, root, host="localhost.local")
        assert client.get("/data").text == "the app"
        for path in sorted(paths - set(PUBLIC)):
            path = re.sub(r"\{[^}]+\}", "1", path)
            assert client.get(path).status_code in (401, 405), path
        assert client.get("/v1/models", headers=key).status_code == 200
        assert client.get("/v1/nothing", headers=key).status_code == 404
        assert all(client.get(path).status_code == 200 for path in PUBLIC)
        client.cookies.clear()
        assert client.get("/data", headers=key).status_code == 303


WORDS: list[tuple[dict[str, Any], str]] = [
    # what the provider says, and who gets in by it
    ({"sub": "1", "email": "Nora@example.org", "email_verified": True}, "nora@example.org"),
    ({"sub": "2", "email": "anna", "email_verified": False}, "2"),  # of somebody's own choosing
    ({"sub": "anna"}, ""),  # anna has a password here
    ({"sub": "anna@example.org", "email": "anna@example.org", "email_verified": "yes"}, ""),
    ({"sub": "old", "iat": time.time() - 3600}, ""),
    ({"sub": "", "email": ""}, ""),
    ({"sub": "../anna"}, ""),
]


@pytest.mark.parametrize(("said", "name"), WORDS)
def test_a_provider_s_word_lets_in_whom_it_names(
    settings: Settings, said: dict[str, Any], name: str
) -> None:
    for known in ("anna", "anna@example.org"):
        add_person(settings, known, PASSWORD)
    provider = Provider(**{"iat": int(time.time()), **said})
    with TestClient(app_on(settings, provider), follow_redirects=False) as client:
        assert "/login/with?provider=default" in client.get("/login").text
        assert client.get("/login/with?provider=x").headers["location"] == "/login"
        assert "/auth/login" in client.get("/login/with?provider=default").headers["location"]
        keep_cookie(client, OIDC_COOKIE, "signed")
        assert client.get("/").headers["location"] == "/login/oidc"
        answer = client.get("/login/oidc")
        assert OIDC_COOKIE not in client.cookies
        login = read_ticket(settings, client.cookies.get(COOKIE, ""))
        assert (login.person.name if login else "") == name
        assert answer.status_code == (303 if name else 401)
        if login:
            assert login.person.role == "reader" and not login.person.has_password


@pytest.mark.parametrize(("language", "said"), [("en", "came to no end"), ("zh", "没有完成")])
def test_who_comes_back_from_a_provider_with_nothing_reads_so_once(
    settings: Settings, language: str, said: str
) -> None:
    add_person(settings, "anna", PASSWORD)
    provider = Provider(sub="nora", iat=int(time.time()))
    with TestClient(app_on(settings, provider), follow_redirects=False) as client:
        page = f"/login?language={language}"
        assert said not in client.get(page).text
        client.get("/login/with?provider=default")
        assert client.get("/").headers["location"].startswith("/login?")
        assert said in client.get(page).text
        assert said not in client.get(page).text
        # who gets in has nothing left of the way
        client.get("/login/with?provider=default")
        keep_cookie(client, OIDC_COOKIE, "signed")
        assert client.get("/login/oidc").status_code == 303
        assert "workbench_out" not in client.cookies


def test_who_turns_back_from_a_provider_and_gives_a_password_left_nothing_open(
    settings: Settings,
) -> None:
    add_person(settings, "anna", PASSWORD)
    provider = Provider(sub="nora", iat=int(time.time()))
    with TestClient(app_on(settings, provider), follow_redirects=False) as client:
        form = form_of(client, "anna", PASSWORD, "/data")
        client.get("/login/with?provider=default")
        assert "workbench_out" in client.cookies
        assert client.post("/login", data=form).status_code == 303
        assert "workbench_out" not in client.cookies


def test_the_provider_says_who_is_in_which_group(settings: Settings) -> None:
    add_person(settings, "anna", PASSWORD)
    for group in ("crew", "guests"):
        add_group(settings, group)
    claims = {"sub": "nora", "iat": int(time.time())}
    enter(settings, claims | {"groups": ["crew", "not one of ours"]})
    person = find_person(settings, "nora")
    assert person and person.groups == {"crew": "reader"}
    join(settings, "guests", "nora")
    enter(settings, claims)  # it says nothing of groups
    assert set(find_person(settings, "nora").groups) == {"crew", "guests"}  # type: ignore[union-attr]
    enter(settings, claims | {"groups": []})
    assert not find_person(settings, "nora").groups  # type: ignore[union-attr]
    disable(settings, "nora")
    with pytest.raises(InvalidInput, match="disabled"):
        enter(settings, claims)


def test_a_provider_may_only_let_in_who_was_added(settings: Settings) -> None:
    add_person(settings, "anna", PASSWORD)
    closed = settings.model_copy(update={"oidc_role": "none"})
    with pytest.raises(InvalidInput, match="no account"):
        enter(closed, {"sub": "nora", "iat": int(time.time())})
    add_person(settings, "nora", None)
    assert enter(closed, {"sub": "nora", "iat": int(time.time())}).role == "editor"
