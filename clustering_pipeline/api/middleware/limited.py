"""How often a key may ask."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from clustering_pipeline.api.errors import answer
from clustering_pipeline.model.errors import TooManyRequests

BURST_SECONDS = 2.0


@dataclass(slots=True)
class _Bucket:
    """What a key may still ask at once, as of a moment."""

    left: float
    at: float


class Limited:
    """A token bucket for each key: a steady rate, and what was saved up in two seconds at once.

    Each server process counts for itself.
    """

    def __init__(
        self, app: ASGIApp, *, per_second: float, clock: Callable[[], float] = time.monotonic
    ):
        self._app = app
        self._rate = per_second
        self._most = max(1.0, per_second * BURST_SECONDS)
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands on, or answers 429."""
        key = scope["state"].get("key") if scope["type"] == "http" else None
        wait = 0.0 if key is None else self._wait(key.key_id)
        if not wait:
            await self._app(scope, receive, send)
            return
        seconds = math.ceil(wait)
        message = f"this key may ask {self._rate:g} times a second: wait {seconds} s"
        refusal = TooManyRequests(message, details={"retry_after": seconds})
        await answer(refusal)(scope, receive, send)

    def _wait(self, key_id: str) -> float:
        """Takes one from the key's bucket; else the seconds until there is one."""
        now = self._clock()
        bucket = self._buckets.setdefault(key_id, _Bucket(left=self._most, at=now))
        bucket.left = min(self._most, bucket.left + (now - bucket.at) * self._rate)
        bucket.at = now
        if bucket.left < 1:
            return (1 - bucket.left) / self._rate
        bucket.left -= 1
        return 0.0
