"""Settings -> the HTTP API as one ASGI app."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import FastAPI

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


def make_app(settings: Settings) -> FastAPI:
    """The app; `settings` are those of every answer."""
    app = FastAPI(
        title="Workbench",
        version=version("agent-workbench"),
        description="The agents of a workspace, for clients of OpenAI's API.",
        docs_url=None,  # FastAPI's own pages load their scripts from elsewhere
        redoc_url=None,
    )
    app.state.metrics = Metrics()
    for router in ROUTERS:
        app.include_router(router)
    answers_problems(app)
    # the last one added is the first to see a request
    app.add_middleware(Door, settings=settings)
    app.add_middleware(Around, metrics=app.state.metrics, file_megabytes=settings.file_megabytes)
    app.add_middleware(AllowedHosts, settings=settings)
    return app
