"""What went wrong, in OpenAI's shape: {"error": {"message", "type", "param", "code"}}."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException  # the router raises it, FastAPI its subclass

from workbench.disk import disk_error
from workbench.errors import Busy, WorkbenchError
from workbench.messages import say

LOG = logging.getLogger("workbench.api")
# by the names of the error tree; what is missing there is 500
STATUS = {
    "InvalidInput": 400,
    "Forbidden": 403,
    "NotFound": 404,
    "Conflict": 409,
    "Unavailable": 503,
    "Unwritable": 507,
    "Stopped": 504,
    "Busy": 429,
}
TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class Details(BaseModel):
    """`message` says what is wrong and what to do."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class Problem(BaseModel):
    """An answer with a status of 400 or more."""

    error: Details


# of every route, for its page in OpenAPI
PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Problem, "description": "The request cannot be answered as it is"},
    "5XX": {"model": Problem, "description": "Something that the answer needs is missing"},
}


class Refusal(Exception):
    """A request that gets that status; `code` is for programs."""

    def __init__(self, status: int, code: str, message: str, wait: float = 0.0) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.wait = wait


def status_of(kind: str) -> int:
    """The HTTP status of an error of that name."""
    return STATUS.get(kind, 500)


def problem(status: int, code: str, message: str) -> dict[str, Any]:
    """The body of that answer."""
    usual = "invalid_request_error" if status < 500 else "server_error"
    details = Details(message=message, type=TYPES.get(status, usual), code=code)
    return {"error": details.model_dump()}


def failed_body(kind: str, text: str, fix: str) -> dict[str, Any]:
    """The body for an error of our tree."""
    code = "".join(f"_{sign.lower()}" if sign.isupper() else sign for sign in kind).lstrip("_")
    return problem(status_of(kind), code or "answer_failed", f"{text} {fix}".strip())


def answers_problems(app: FastAPI) -> None:
    """Let every error of the app become an answer of this shape."""
    app.add_exception_handler(WorkbenchError, _refused)
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


def refused(error: Refusal | WorkbenchError) -> JSONResponse:
    """The answer to a request that is not answered."""
    if isinstance(error, WorkbenchError):
        body = failed_body(error.kind, error.problem, error.fix)
        wait = error.wait if isinstance(error, Busy) else 0.0
        return JSONResponse(body, status_of(error.kind), _later(wait))
    headers = _later(error.wait)
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(problem(error.status, error.code, error.message), error.status, headers)


def _later(wait: float) -> dict[str, str]:
    """The header that says in how many whole seconds to ask again."""
    return {"Retry-After": str(int(wait) + 1)} if wait else {}


async def _refused(request: Request, error: Any) -> JSONResponse:
    return refused(error)


async def _invalid(request: Request, error: Any) -> JSONResponse:
    """The first thing that is wrong with a request, by the name of its field."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"] if part != "body")
    body = problem(400, "invalid_request", f"{place}: {first['msg']}".removeprefix(": "))
    body["error"]["param"] = place or None
    return JSONResponse(body, 400)


async def _http(request: Request, error: Any) -> JSONResponse:
    body = problem(error.status_code, "http_error", str(error.detail))
    return JSONResponse(body, error.status_code, error.headers)


async def _unexpected(request: Request, error: Any) -> JSONResponse:
    unwritable = disk_error(error, say("the workspace"))
    if unwritable:
        return refused(unwritable)
    LOG.error("unexpected", exc_info=error)
    body = problem(500, "internal_error", "Something broke; the server's log has the details.")
    return JSONResponse(body, 500)
