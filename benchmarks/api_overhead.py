"""A published model through the API beside its bare Ollama: first token, tokens a second.

    python benchmarks/api_overhead.py [--ollama ADDRESS --model NAME] [--answers 20]

The same question in turn of both, each with the same limit of tokens, from one client: the medians
and how they compare. Without an address the Ollama of the tests is started with a packaged model;
without either, the fake model of `api_load.py` stands in and is named in the output.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "benchmarks")]

from api_load import free_port, running, show  # noqa: E402
from conftest import running_ollama  # noqa: E402
from install_servers import ollama_binary  # noqa: E402

from workbench.models.packaged import gguf_of, list_packaged  # noqa: E402

MOST = 60  # tokens of an answer
QUESTION = "Tell me all that you know of the sea, the wind and the tides."


@dataclass
class Seen:
    """Of each answer: seconds until the first token, and tokens a second from then on."""

    first: list[float] = field(default_factory=list)
    speed: list[float] = field(default_factory=list)
    tokens: int = 0

    def row(self, name: str) -> dict[str, Any]:
        """The medians."""
        first, speed = statistics.median(self.first), statistics.median(self.speed)
        row: dict[str, Any] = {"run": name, "answers": len(self.first), "tokens": self.tokens}
        return row | {"first_ms": round(first * 1000, 1), "tokens_a_second": round(speed, 1)}


def ask(client: httpx.Client, url: str, model: str, seen: Seen) -> None:
    """One answer; each piece with text in it is a token."""
    said = [{"role": "user", "content": QUESTION}]
    body = {"model": model, "messages": said, "stream": True, "max_tokens": MOST, "temperature": 0}
    begun = time.perf_counter()
    times: list[float] = []
    with client.stream("POST", f"{url}/v1/chat/completions", json=body) as reply:
        reply.raise_for_status()
        for line in reply.iter_lines():
            if _has_text(line):
                times.append(time.perf_counter())
    seen.first.append(times[0] - begun)
    seen.speed.append((len(times) - 1) / (times[-1] - times[0]))
    seen.tokens = len(times)


def _has_text(line: str) -> bool:
    data = line.removeprefix("data: ")
    if not data.startswith("{"):
        return False
    choices = json.loads(data).get("choices") or [{}]
    return bool(choices[0].get("delta", {}).get("content"))


@contextmanager
def model_server(options: argparse.Namespace, folder: Path) -> Iterator[tuple[str, str]]:
    """(address, our name of its model) of a real Ollama, else of the fake model."""
    if options.ollama:
        yield options.ollama, f"ollama:{options.model}"
        return
    if ollama_binary().exists() and list_packaged():
        with running_ollama(folder) as server:
            import ollama

            name = list_packaged()[0]
            client = ollama.Client(server.url)
            client.create(model=name, files={"model.gguf": client.create_blob(gguf_of(name))})
            yield server.url, f"ollama:{name}"
        return
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    fake = [sys.executable, str(ROOT / "benchmarks" / "fake_model.py"), str(port)]
    with running(fake, f"{url}/v1/models", {}):
        yield url, "openai:fake"


def measure(options: argparse.Namespace, folder: Path) -> None:
    """Print both runs as JSON lines, and their ratio."""
    port = free_port()
    api = f"http://127.0.0.1:{port}"
    serve = [sys.executable, "-m", "workbench.cli", "serve", "--port", str(port)]
    with model_server(options, folder) as (raw, name):
        settings = {"HOME": str(folder / "workspace"), "MODEL": name, "TUNED": name}
        settings |= {"OLLAMA_HOST": raw, "OPENAI_BASE_URL": f"{raw}/v1"}
        environment = {f"WORKBENCH_{key}": value for key, value in settings.items()}
        plain, ours = Seen(), Seen()
        with (
            running(serve, f"{api}/healthz", environment),
            httpx.Client(timeout=120, trust_env=False) as client,
        ):
            for number in range(options.answers + 1):
                if number == 1:  # the first ones have loaded the model and the program
                    plain, ours = Seen(), Seen()
                ask(client, raw, name.partition(":")[2], plain)
                ask(client, api, "workbench-tuned", ours)
    show(plain.row(f"{name}, raw"))
    show(ours.row(f"{name}, through the API"))
    more = statistics.median(ours.first) - statistics.median(plain.first)
    share = statistics.median(ours.speed) / statistics.median(plain.speed)
    show({"ratio": name, "first_over_raw_ms": round(more * 1000, 1), "speed": round(share, 3)})


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--ollama", default="", metavar="ADDRESS")
    parser.add_argument("--model", default="")
    parser.add_argument("--answers", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(options, Path(folder))


if __name__ == "__main__":
    main()
