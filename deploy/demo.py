"""Publishing in `workbench demo`: with `--publish` the crew becomes an Ollama model."""

from __future__ import annotations

from typing import Any

from workbench.start.demo import Demo


def publish_crew(demo: Demo) -> dict[str, Any]:
    """Publish the run that an earlier step has trained, where the person asked for it."""
    if demo.publish:
        demo.command("publish", "deploy", "publish", "crew", "--name", "crew")
    return {}
