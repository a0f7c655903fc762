"""Counts of one running API, as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from agents.api.access import Needs, NeedsRole
from agents.api.problems import PROBLEMS
from workbench.chat.line import LINE

SECONDS = (0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300)
TEXT = "text/plain; version=0.0.4; charset=utf-8"
router = APIRouter(tags=["health"], responses=PROBLEMS)


class Metrics:
    """What happened since the start."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        here = self.registry
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
        growing = Gauge("workbench_answers", "Answers that grow now.", registry=here)
        growing.set_function(LINE.growing)
        waiting = Gauge("workbench_waiting", "Questions that wait for one.", registry=here)
        waiting.set_function(LINE.waiting)
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


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "Counts"}},
    dependencies=[Depends(Needs("metrics")), Depends(NeedsRole("admin"))],
)
async def metrics(request: Request) -> Response:
    """Counts in Prometheus's text format."""
    return Response(generate_latest(request.app.state.metrics.registry), media_type=TEXT)
