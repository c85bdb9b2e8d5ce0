"""What an address may ask for: a parameter that nobody reads is a mistake, said by name."""

from collections.abc import Mapping
from typing import Any

from fastapi import Request

from clustering_pipeline.model.base import listed
from clustering_pipeline.model.errors import InvalidRequest


class KnownQueries:
    """Refuses parameters after the ``?`` that an operation does not have, or has twice."""

    def __init__(self) -> None:
        self._known: dict[str, list[str]] = {}

    def learn(self, document: Mapping[str, Any]) -> None:
        """Reads the parameters of every operation from the OpenAPI document."""
        for methods in document["paths"].values():
            for operation in methods.values():
                parameters = operation.get("parameters", ())
                names = [one["name"] for one in parameters if one["in"] == "query"]
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
