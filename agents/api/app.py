"""Settings -> the HTTP API as one ASGI app."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from agents.api import (
    chat,
    chats,
    documents,
    embeddings,
    forecast,
    health,
    jobs,
    listing,
    metrics,
    pages,
)
from agents.api.access import Door
from agents.api.admission import Admission, OneProcess
from agents.api.metrics import Metrics
from agents.api.outside import Around
from agents.api.problems import answers_problems
from workbench.hosts import AllowedHosts
from workbench.settings import Settings

ROUTERS = [
    chat.router,
    listing.router,
    embeddings.router,
    forecast.router,
    documents.router,
    chats.router,
    jobs.router,
    health.router,
    metrics.router,
    pages.router,
]


def make_app(
    settings: Settings, admission: Admission | None = None, guarded: bool = False
) -> FastAPI:
    """The app; `settings` are those of every answer.

    `admission` is what it shares with other processes of the same server, None where it is alone.
    One that is `guarded` is never open, also while no key exists.
    """
    admission = admission or OneProcess()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with admission.running():
            yield

    app = FastAPI(
        lifespan=lifespan,
        title="Workbench",
        version=version("agent-workbench"),
        description="The agents of a workspace, for clients of OpenAI's API.",
        docs_url=None,  # FastAPI's own pages load their scripts from elsewhere
        redoc_url=None,
    )
    app.state.admission = admission
    app.state.metrics = Metrics()
    for router in ROUTERS:
        app.include_router(router)
    answers_problems(app)
    # the last one added is the first to see a request
    app.add_middleware(Door, settings=settings, admission=admission, guarded=guarded)
    app.add_middleware(Around, metrics=app.state.metrics, file_megabytes=settings.file_megabytes)
    app.add_middleware(AllowedHosts, settings=settings)
    return app


def paths_of(app: FastAPI) -> set[str]:
    """The paths of all its routes, also those that its OpenAPI does not show."""
    return {route.path for route in iter_route_contexts(app.routes) if route.path}
