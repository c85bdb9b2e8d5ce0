"""What addresses say: ids and names in their path, which may hold slashes when they arrive
percent-encoded, and parameters, of which one that nobody reads is a mistake.
"""

from collections.abc import Mapping
from typing import Annotated, Any, cast
from urllib.parse import unquote, unquote_to_bytes

from fastapi import Path, Request
from pydantic import BeforeValidator
from starlette.types import ASGIApp, Receive, Scope, Send

from clustering_pipeline.model.base import listed
from clustering_pipeline.model.errors import InvalidRequest


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


class KnownQueries:
    """Refuses parameters after the ``?`` that an operation does not have, or has twice."""

    def __init__(self) -> None:
        self._known: dict[str, list[str]] = {}

    def learn(self, document: Mapping[str, Any]) -> None:
        """Reads the parameters of every operation from the OpenAPI document."""
        for methods in document["paths"].values():
            for operation in methods.values():
                parameters = operation.get("parameters", ())
                names = [
                    parameter["name"] for parameter in parameters if parameter["in"] == "query"
                ]
                self._known[operation["operationId"]] = names

    async def __call__(self, request: Request) -> None:
        """Raises InvalidRequest."""
        known = self._known[request.scope["endpoint"].__name__]
        given = [name for name, _ in request.query_params.multi_items()]
        if unknown := [name for name in given if name not in known]:
            takes = f"it takes: {', '.join(known)}" if known else "it takes none"
            message = f"this address takes no parameter {listed(unknown)}; {takes}"
            raise InvalidRequest(message)
        if repeated := sorted({name for name in given if given.count(name) > 1}):
            message = f"{listed(repeated)} is given twice: give it once"
            raise InvalidRequest(message)
