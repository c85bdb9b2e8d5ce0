"""Parts of addresses: ids and names, which may hold slashes when they arrive percent-encoded."""

from typing import Annotated, cast
from urllib.parse import unquote, unquote_to_bytes

from fastapi import Path
from pydantic import BeforeValidator
from starlette.types import ASGIApp, Receive, Scope, Send


class KeepSlashes:
    """Hands on each part of a path with ``%`` and ``/`` still encoded, so that routes see parts.

    Servers decode a path as a whole, and ``a%2Fb`` would be two parts.  The types below decode
    what is left.
    """

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands on."""
        if scope["type"] == "http" and scope.get("raw_path"):
            raw = cast("bytes", scope["raw_path"]).partition(b"?")[0]
            path = "/".join(_partly_decoded(part) for part in raw.split(b"/"))
            scope = {**scope, "path": path}
        await self._app(scope, receive, send)


def _partly_decoded(part: bytes) -> str:
    decoded = unquote_to_bytes(part).decode(errors="replace")
    return decoded.replace("%", "%25").replace("/", "%2F")


Decoded = BeforeValidator(unquote)
"""Put on every text in a path."""

ClusterIdentifier = Annotated[str, Path(description="Id or name of a definition."), Decoded]
RunId = Annotated[str, Path(description="Id of an execution."), Decoded]
TaskId = Annotated[str, Path(description="Id of a task."), Decoded]
CollectionIdentifier = Annotated[str, Path(description="Id or name of a collection."), Decoded]
BatchId = Annotated[str, Path(description="Id of a batch."), Decoded]
