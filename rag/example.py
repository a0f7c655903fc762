"""The example handbook of the project, in English and Chinese."""

from pathlib import Path

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "handbook"
