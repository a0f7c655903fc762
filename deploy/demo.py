"""Publishing in `workbench demo`: with `--publish` the crew becomes an Ollama model."""

from __future__ import annotations

from typing import Any

from workbench.start.demo import Demo, DemoStep


def publish_crew(demo: Demo) -> dict[str, Any]:
    """Publish the run that an earlier step has trained, where the person asked for it."""
    if demo.publish:
        demo.command("Publishing to Ollama", "deploy", "publish", "crew", "--name", "crew")
    return {}


# no stage of its own: only a person at a terminal asks for it, with --publish
STEP = DemoStep(publish_crew, {})
