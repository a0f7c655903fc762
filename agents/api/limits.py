"""How often a key may ask: a bucket that fills evenly and gives one token for each request."""

from __future__ import annotations

import time
from dataclasses import dataclass

MINUTE = 60.0  # seconds


@dataclass
class _Bucket:
    tokens: float
    looked: float  # time.monotonic()


class Buckets:
    """One bucket for each name, in memory: a restart fills them."""

    def __init__(self) -> None:
        self._buckets: dict[str, _Bucket] = {}

    def take(self, name: str, per_minute: int) -> float:
        """Take one token. Returns 0, or the seconds until the next one."""
        now = time.monotonic()
        bucket = self._buckets.setdefault(name, _Bucket(per_minute, now))
        gained = (now - bucket.looked) * per_minute / MINUTE
        bucket.tokens = min(per_minute, bucket.tokens + gained)
        bucket.looked = now
        if bucket.tokens < 1:
            return (1 - bucket.tokens) * MINUTE / per_minute
        bucket.tokens -= 1
        return 0.0
