"""What an answer does and how long it takes, as spans of OpenTelemetry.

Off unless OTEL_EXPORTER_OTLP_ENDPOINT names a collector (OTLP over gRPC); then nothing of
OpenTelemetry is imported. A span carries numbers, and of texts the names in NAMES alone: no
question, document, query or cell can enter one. Spans are sent by a thread of their own, and what
goes wrong there is only logged.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from functools import cache
from typing import Any, TypeVar

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
# seconds: a command does not wait longer at its end for a collector that is gone
DEFAULTS = {"OTEL_SERVICE_NAME": "workbench", "OTEL_EXPORTER_OTLP_TIMEOUT": "3"}
NAMES = frozenset({"error", "method", "mode", "model", "request", "route"})
"""The facts whose value may be a text."""

LOG = logging.getLogger("workbench.tracing")
Item = TypeVar("Item")
End = TypeVar("End")
Fact = str | int | float | bool


class Span:
    """One span; it does nothing where traces are off."""

    def __init__(self, span: Any = None) -> None:
        self._span = span

    def set(self, **facts: Fact) -> None:
        """Note facts. Raises TypeError for a text that is not among NAMES."""
        if self._span is None:
            return
        for name, value in facts.items():
            if isinstance(value, str) and name not in NAMES:
                raise TypeError(f"{name} may hold a text of a person")
            self._span.set_attribute(f"workbench.{name}", value)

    def current(self) -> AbstractContextManager[Any]:
        """Spans that begin inside are below this one."""
        if self._span is None:
            return nullcontext()
        from opentelemetry.trace import use_span

        return use_span(self._span, record_exception=False, set_status_on_exception=False)

    def around(self, items: Generator[Item, None, End]) -> Generator[Item, None, End]:
        """The same items; spans that the generator begins are below this one.

        This one is current only while the generator's own code runs, not that of its reader.
        """
        with closing(items):
            while True:
                try:
                    with self.current():
                        item = next(items)
                except StopIteration as end:
                    return end.value
                yield item


@contextmanager
def span(name: str, **facts: Fact) -> Iterator[Span]:
    """A span from here to the end of the block. An error is noted by its kind alone."""
    tracer = _tracer()
    if tracer is None:
        yield Span()
        return
    begun = tracer.start_span(name, record_exception=False, set_status_on_exception=False)
    made = Span(begun)
    try:
        made.set(**facts)
        yield made
    except GeneratorExit:
        made.set(left=True)  # nobody reads any more
        raise
    except BaseException as error:
        made.set(error=type(error).__name__)
        raise
    finally:
        begun.end()


@cache
def _tracer() -> Any:
    """The tracer; None where no collector is named, or not as the library wants it."""
    if not any(os.environ.get(name) for name in ENDPOINTS):
        return None
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    try:
        return tracer_to(BatchSpanProcessor(OTLPSpanExporter()))
    except Exception as error:  # noqa: BLE001 – whatever is wrong there, an answer goes on
        LOG.warning("There will be no traces, as OTEL_* cannot be used: %s", error)
        return None


def tracer_to(processor: Any) -> Any:
    """A tracer whose spans go to that processor."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    provider = TracerProvider(resource=Resource.create())
    provider.add_span_processor(processor)
    return provider.get_tracer("workbench")
