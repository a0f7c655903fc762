"""Pieces of the Training page: how fast a run goes or went, and on how many processes."""

from __future__ import annotations

from typing import Any

from finetune.run.metrics import read_metrics
from finetune.run.run_state import RunNow
from workbench.ui.widgets import both


def speed_facts(now: RunNow) -> list[str]:
    """Tokens a second, memory, share of the GPU's peak, processes: what is known of them."""
    card = now.run.card
    found = _latest(now) if now.state == "running" else card
    facts = []
    if found.get("tokens_per_second"):
        rate = found["tokens_per_second"]
        facts.append(both(f"{rate:,} tokens a second", f"每秒 {rate:,} 个词元"))
    if found.get("memory_gb"):
        size = found["memory_gb"]
        facts.append(both(f"{size:.1f} GB of memory", f"内存 {size:.1f} GB"))
    if found.get("of_peak"):
        share = found["of_peak"]
        facts.append(both(f"{share:.0%} of the GPU's peak", f"达到 GPU 峰值的 {share:.0%}"))
    processes = card.get("processes") or 1
    if processes > 1:
        how = card.get("parallel", "")
        facts.append(both(f"{processes} processes ({how})", f"{processes} 个进程（{how}）"))
    return facts


def _latest(now: RunNow) -> dict[str, Any]:
    """The newest line of the metrics that tells the speed."""
    for row in reversed(read_metrics(now.run.metrics)):
        if "tokens_per_second" in row:
            return row
    return {}
