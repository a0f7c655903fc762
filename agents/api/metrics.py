"""Counts of one running API, as Prometheus reads them.

Where several processes are one server, the library keeps the counts of each in a file of the folder
that MULTIPROC names, and adds them up.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from agents.api.access import Needs, NeedsRole
from agents.api.problems import PROBLEMS

SECONDS = (0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300)
MULTIPROC = "PROMETHEUS_MULTIPROC_DIR"  # in the environment before the library is imported
TEXT = "text/plain; version=0.0.4; charset=utf-8"
router = APIRouter(tags=["health"], responses=PROBLEMS)


class Metrics:
    """What happened since the start."""

    def __init__(self) -> None:
        self._registry = here = CollectorRegistry()
        labels = ("method", "route", "status")
        self._requests = Counter(
            "workbench_requests", "Requests by their end.", labels, registry=here
        )
        self._seconds = Histogram(
            "workbench_request_seconds",
            "Whole requests.",
            ("route",),
            buckets=SECONDS,
            registry=here,
        )
        self._first = Histogram(
            "workbench_first_piece_seconds",
            "Until an answer begins.",
            buckets=SECONDS,
            registry=here,
        )
        self._growing = Gauge(
            "workbench_answers",
            "Answers that grow now.",
            registry=here,
            multiprocess_mode="mostrecent",
        )
        self._waiting = Gauge(
            "workbench_waiting",
            "Questions that wait for one.",
            registry=here,
            multiprocess_mode="mostrecent",
        )
        self._tokens = Counter("workbench_tokens", "Tokens of answers.", ("kind",), registry=here)

    def requested(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request has ended."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def first_piece(self, seconds: float) -> None:
        """An answer has begun."""
        self._first.observe(seconds)

    def used(self, usage: Mapping[str, int]) -> None:
        """An answer has ended and has used these tokens."""
        self._tokens.labels("prompt").inc(usage["prompt_tokens"])
        self._tokens.labels("completion").inc(usage["completion_tokens"])

    def text(self, growing: int, waiting: int) -> bytes:
        """All counts, in Prometheus's text format; so many answers grow now, and so many wait."""
        self._growing.set(growing)
        self._waiting.set(waiting)
        if MULTIPROC not in os.environ:
            return generate_latest(self._registry)
        of_all = CollectorRegistry()
        MultiProcessCollector(of_all)
        return generate_latest(of_all)


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "Counts"}},
    dependencies=[Depends(Needs("metrics")), Depends(NeedsRole("admin"))],
)
async def metrics(request: Request) -> Response:
    """Counts in Prometheus's text format."""
    growing, waiting = await request.app.state.admission.counts()
    return Response(request.app.state.metrics.text(growing, waiting), media_type=TEXT)
