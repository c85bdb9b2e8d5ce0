"""How large a body may be, and how often a key may ask."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clustering_pipeline.api.errors import answer
from clustering_pipeline.model.errors import MalformedRequest, TooManyRequests

DOCUMENTS = "/documents"
BURST_SECONDS = 2.0


class Sized:
    """Reads a body whole, up to its limit, before anybody looks at it."""

    def __init__(self, app: ASGIApp, *, most: int, most_documents: int):
        self._app = app
        self._most = most
        self._most_documents = most_documents

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands on, or answers 400; nothing where the client leaves before it has said all."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._most_documents if scope["path"].endswith(DOCUMENTS) else self._most
        try:
            body = None if _declared(scope) > most else await _read(receive, most)
        except ClientDisconnect:
            return
        if body is None:
            message = f"the body is larger than {most:,} bytes: send less at a time"
            await answer(MalformedRequest(message))(scope, receive, send)
            return
        await self._app(scope, _replayed(body, receive), send)


def _declared(scope: Scope) -> int:
    length = Headers(scope=scope).get("content-length", "")
    return int(length) if length.isdecimal() else 0


async def _read(receive: Receive, most: int) -> bytes | None:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            # Half a body must not pass for a whole one: an empty one starts a run.
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > most:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """The body as one message; what comes after it is the server's."""
    pending = [body]

    async def again() -> Message:
        if pending:
            return {"type": "http.request", "body": pending.pop(), "more_body": False}
        return await receive()

    return again


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
