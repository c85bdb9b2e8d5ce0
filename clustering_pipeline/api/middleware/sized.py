"""How large a body may be."""

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clustering_pipeline.api.errors import answer
from clustering_pipeline.model.errors import MalformedRequest

DOCUMENTS = "/documents"


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
