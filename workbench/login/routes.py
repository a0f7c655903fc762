"""`/login` and `/logout`: the form, the password, the cookie."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from workbench.accounts import Person, check_password, has_accounts
from workbench.accounts.signing_in import end_sessions
from workbench.accounts.throttle import TooOften
from workbench.contributions import chinese
from workbench.errors import InvalidInput, WorkbenchError
from workbench.language import LANGUAGE_COOKIE
from workbench.login.cookies import cookie_line, login_cookie
from workbench.login.outside import Outside, enter
from workbench.login.page import LANGUAGES, login_page
from workbench.login.paths import BACK, LOGIN, LOGOUT, WITH
from workbench.login.ticket import COOKIE, Login, read_ticket, seal, unseal
from workbench.messages import translate
from workbench.settings import Settings, load_settings

FORM_COOKIE = "workbench_form"
OUT_COOKIE = "workbench_out"  # of a browser that went to a provider, until it is back
FORM_FOR = 3600  # seconds that a form may be looked at before it is sent
LARGEST_FORM = 10_000  # bytes
OWN_PATH = re.compile(r"/[\w/-]{0,100}")
CHECKED_AT_ONCE = 2  # passwords; more of them wait here, not in a thread that pages need
YEAR = 31_536_000  # seconds
NOT_BACK = {
    "en": "The sign-in with your organisation came to no end. Please try again; if that does not "
    "help, whoever looks after this Workbench finds the reason in its log.",
    "zh": "通过组织登录没有完成。请重试；若仍然不行，Workbench 的管理者可以在日志中找到原因。",
}


def login_routes(outside: Outside, settings: Settings | None = None) -> Sequence[Route]:
    """The routes, which the gate leaves open. `outside` are the providers of logins."""
    door = _Door(settings or load_settings(), outside)
    return [
        Route(LOGIN, door.show, methods=["GET"]),
        Route(LOGIN, door.enter, methods=["POST"]),
        Route(LOGOUT, door.leave, methods=["GET"]),
        Route(WITH, door.go_out, methods=["GET"]),
        Route(BACK, door.come_back, methods=["GET"]),
    ]


class _Door:
    """The handlers, over the settings of the whole app."""

    def __init__(self, root: Settings, outside: Outside) -> None:
        self._root = root
        self._outside = outside
        self._turn = asyncio.Semaphore(CHECKED_AT_ONCE)

    async def show(self, request: Request) -> Response:
        """The form, or the page that was wanted where nothing has to be asked."""
        wanted = own_path(request.query_params.get("next", ""))
        if await run_in_threadpool(self._needs_no_login, request):
            return RedirectResponse(wanted, 303)
        problem = NOT_BACK[language_of(request)] if OUT_COOKIE in request.cookies else ""
        response = self._form(request, wanted, problem=problem)
        if problem:  # said once
            _put(response, cookie_line(request.scope, OUT_COOKIE, "", 0))
        chosen = request.query_params.get("language", "")
        if chosen in LANGUAGES:
            response.set_cookie(LANGUAGE_COOKIE, chosen, YEAR, samesite="lax")
        return response

    async def enter(self, request: Request) -> Response:
        """The password is looked at; the form comes back where it is not right."""
        form = await _read_form(request)
        wanted = own_path(form.get("next", ""))
        name = form.get("name", "")
        nonce = unseal(self._root, "form", form.get("token", ""), FORM_FOR)
        if not nonce or nonce != request.cookies.get(FORM_COOKIE):
            problem = {
                "en": "This form was too old. Please try again.",
                "zh": "表单已过期，请重试。",
            }
            return self._form(request, wanted, name, problem[language_of(request)], 400)
        try:
            async with self._turn:
                password = form.get("password", "")
                person = await run_in_threadpool(check_password, self._root, name, password)
        except WorkbenchError as error:
            status = 429 if isinstance(error, TooOften) else 401
            return self._form(request, wanted, name, _told(request, error), status)
        return welcome(request, self._root, person, wanted)

    async def leave(self, request: Request) -> Response:
        """All logins of the person end, in every browser: no page stays open behind anybody."""
        if request.headers.get("sec-fetch-site", "none") in ("same-origin", "none"):
            await run_in_threadpool(self._end, request)
        response = RedirectResponse(LOGIN, 303)
        _put(response, cookie_line(request.scope, COOKIE, "", 0))
        return response

    async def go_out(self, request: Request) -> Response:
        """To the provider that was pressed."""
        provider = request.query_params.get("provider", "")
        if provider not in self._outside.providers():
            return RedirectResponse(LOGIN, 303)
        response = RedirectResponse(self._outside.way_to(provider), 303)
        _put(response, cookie_line(request.scope, OUT_COOKIE, "1", FORM_FOR))
        return response

    async def come_back(self, request: Request) -> Response:
        """The provider's word is exchanged for a login of ours, and forgotten."""
        try:
            person = await run_in_threadpool(self._let_in, request)
        except WorkbenchError as error:
            response = self._form(request, "/", problem=_told(request, error), status=401)
            _put(response, cookie_line(request.scope, OUT_COOKIE, "", 0))
        else:
            response = welcome(request, self._root, person, "/")
        for name in self._outside.used_cookies(request.cookies):
            response.delete_cookie(name)
        return response

    def _let_in(self, request: Request) -> Person:
        claims = self._outside.claims(request.cookies)
        if claims is None or not has_accounts(self._root):
            raise InvalidInput("That sign-in did not work.", "Please sign in again.")
        return enter(self._root, claims)

    def _form(
        self, request: Request, wanted: str, name: str = "", problem: str = "", status: int = 200
    ) -> Response:
        nonce = request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(16)
        page = login_page(
            language_of(request),
            token=seal(self._root, "form", nonce),
            name=name,
            problem=problem,
            next_path=wanted,
            providers=self._outside.providers(),
        )
        response = HTMLResponse(page, status, headers={"cache-control": "no-store"})
        _put(response, cookie_line(request.scope, FORM_COOKIE, nonce, FORM_FOR))
        return response

    def _needs_no_login(self, request: Request) -> bool:
        if not has_accounts(self._root):
            return True
        return read_ticket(self._root, request.cookies.get(COOKIE, "")) is not None

    def _end(self, request: Request) -> None:
        login = read_ticket(self._root, request.cookies.get(COOKIE, ""))
        if login:
            name = login.person.name
            end_sessions(self._root, name, by=name)


def welcome(request: Request, root: Settings, person: Person, wanted: str) -> Response:
    """To the page that was wanted, with the cookie of a new login; other ways in are forgotten."""
    response = RedirectResponse(wanted, 303)
    _put(response, cookie_line(request.scope, OUT_COOKIE, "", 0))
    _put(response, login_cookie(request.scope, root, Login(person, begun=0.0, seen=0.0)))
    return response


def _put(response: Response, cookie: bytes) -> None:
    response.raw_headers.append((b"set-cookie", cookie))


def own_path(path: str) -> str:
    """A path of this app: a link to the login cannot send a person elsewhere after it."""
    return path if OWN_PATH.fullmatch(path) and not path.startswith("//") else "/"


def language_of(request: Request) -> str:
    """`en` or `zh`: what was chosen, else what the browser asks for."""
    asked = request.query_params.get("language") or request.cookies.get(LANGUAGE_COOKIE)
    if asked in LANGUAGES:
        return asked
    accepted = request.headers.get("accept-language", "")
    return "zh" if accepted.lower().startswith("zh") else "en"


def _told(request: Request, error: WorkbenchError) -> str:
    parts = [part for part in (error.problem, error.fix) if part]
    if language_of(request) == "zh":
        parts = [translate(part, chinese()) for part in parts]
    return " ".join(parts)


async def _read_form(request: Request) -> dict[str, Any]:
    """The fields of the form; empty where it is larger than ours can be."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM:
            return {}
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[0] for name, values in fields.items()}
