"""What an address may ask for: a parameter that nobody reads is a mistake, said by name."""

from collections.abc import Mapping
from typing import Any

from fastapi import Request

from clustering_pipeline.model.base import listed
from clustering_pipeline.model.errors import InvalidRequest


class KnownQueries:
    """Refuses parameters after the ``?`` that an operation does not have."""

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
        unknown = [name for name in request.query_params if name not in known]
        if unknown:
            takes = f"it takes: {', '.join(known)}" if known else "it takes none"
            message = f"this address takes no parameter {listed(unknown)}; {takes}"
            raise InvalidRequest(message)
