"""Calls to Qdrant: raw gRPC stubs, bounded retries, and one error for each way to fail."""

from collections.abc import Callable
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import grpc
import stamina
from qdrant_client import QdrantClient
from qdrant_client import grpc as messages
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse

from clustering_pipeline.model.errors import (
    ClusteringError,
    CollectionNotFound,
    DocumentsRefused,
    DocumentsUnavailable,
    NameTaken,
    UnknownVector,
)

_DEADLINE = 60.0
_REST_PORT, _GRPC_PORT = 6333, 6334
_TRANSIENT = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.ABORTED,
    }
)
_DENIED = frozenset({grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED})
_REFUSED = frozenset({grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND})


def open_client(url: str, api_key: str | None = None) -> QdrantClient:
    """A client that speaks gRPC to ``url``.

    ``grpc://host:port`` (``grpcs`` with TLS) gives the gRPC port; ``http(s)://host:6333`` is the
    REST address of a server whose gRPC port is the usual 6334; any other port is taken as given.
    """
    parts = urlsplit(url if "://" in url else f"grpc://{url}")
    port = parts.port
    return QdrantClient(
        host=parts.hostname or "localhost",
        grpc_port=_GRPC_PORT if port is None or port == _REST_PORT else port,
        https=parts.scheme in {"https", "grpcs"},
        api_key=api_key,
        prefer_grpc=True,
        check_compatibility=False,
        # A server that comes back is found again within a second, not within two minutes.
        grpc_options={
            "grpc.initial_reconnect_backoff_ms": 100,
            "grpc.max_reconnect_backoff_ms": 1000,
        },
    )


class Connection:
    """A client and the address that errors name."""

    def __init__(self, client: QdrantClient, *, address: str, patience: float):
        self._client = client
        self._patience = patience
        self.address = address

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    def points(self, method: str, request: Any) -> Any:
        """Call ``method`` of the service Points."""
        return self._call(lambda: getattr(self._client.grpc_points, method), request)

    def collections(self, method: str, request: Any) -> Any:
        """Call ``method`` of the service Collections."""
        return self._call(lambda: getattr(self._client.grpc_collections, method), request)

    def names(self) -> list[str]:
        """The collections there are."""
        listed = self.collections("List", messages.ListCollectionsRequest())
        return sorted(item.name for item in listed.collections)

    @cached_property
    def matches_substrings(self) -> bool:
        """Whether the server knows that condition, which came with 1.20."""
        version = self._retried(self._client.info).version
        numbers = version.split(".")[:2]
        return tuple(int(part) for part in numbers if part.isdecimal()) >= (1, 20)

    def _call(self, stub: Callable[[], Any], request: Any) -> Any:
        # The stub is asked for each time: the client hands out its channels in turn.
        try:
            return self._retried(lambda: stub()(request, timeout=_DEADLINE))
        except grpc.RpcError as error:
            raise self._translated(error, request) from error

    def _retried(self, attempt: Callable[[], Any]) -> Any:
        attempts = stamina.retry_context(
            on=_is_transient, attempts=None, timeout=self._patience, wait_initial=0.1, wait_max=2.0
        )
        try:
            for trial in attempts:
                with trial:
                    return attempt()
        except (grpc.RpcError, ResourceExhaustedResponse) as error:
            if _is_transient(error):
                raise self._unavailable(error) from error
            raise
        raise AssertionError  # retry_context ends by returning or raising

    def _translated(self, error: grpc.RpcError, request: Any) -> ClusteringError:
        code, details = status(error)
        if code in _DENIED:
            message = (
                f"Qdrant at {self.address} refused the API key ({details}): "
                "set CLUSTERING_QDRANT_API_KEY"
            )
            return DocumentsUnavailable(message)
        if code is grpc.StatusCode.NOT_FOUND and "ollection" in details:
            return self._collection_missing(_quoted_in(details))
        if code is grpc.StatusCode.ALREADY_EXISTS or "already exists" in details:
            message = f"Qdrant already has a collection or alias {request.collection_name!r}"
            return NameTaken(message)
        if "Not existing vector name" in details:
            return self._vector_missing(request.collection_name, details)
        message = f"Qdrant at {self.address} refused a request: {details}"
        return DocumentsRefused(message) if code in _REFUSED else DocumentsUnavailable(message)

    def _collection_missing(self, name: str) -> CollectionNotFound:
        # Which others there are is not said: they may be other people's.
        message = (
            f"Qdrant at {self.address} has no collection {name!r}: "
            "register one that is there, or put its documents back"
        )
        return CollectionNotFound(message)

    def _vector_missing(self, name: str, details: str) -> UnknownVector:
        request = messages.GetCollectionInfoRequest(collection_name=name)
        config = self.collections("Get", request).result.config.params.vectors_config
        known = ", ".join(sorted(config.params_map.map)) or "one without a name"
        message = f"collection {name!r}: {details}; it has: {known}"
        return UnknownVector(message)

    def _unavailable(self, error: Exception) -> DocumentsUnavailable:
        reason = status(error)[1] if isinstance(error, grpc.RpcError) else str(error)
        message = (
            f"Qdrant at {self.address} did not answer ({reason}): "
            "check that it runs and that CLUSTERING_QDRANT_URL is its address"
        )
        return DocumentsUnavailable(message)


def status(error: grpc.RpcError) -> tuple[grpc.StatusCode, str]:
    """The code and the sentence of a failed call."""
    if isinstance(error, grpc.Call):
        code = error.code()
        if isinstance(code, grpc.StatusCode):
            return code, str(error.details() or code.name)
    return grpc.StatusCode.UNKNOWN, str(error)


def timed_out(error: DocumentsUnavailable) -> bool:
    """Whether the server took longer over a call than it may."""
    cause = error.__cause__
    return (
        isinstance(cause, grpc.RpcError) and status(cause)[0] is grpc.StatusCode.DEADLINE_EXCEEDED
    )


def _quoted_in(details: str) -> str:
    """The name between the back-quotes of a message of Qdrant's."""
    return details.partition("`")[2].partition("`")[0]


def _is_transient(error: Exception) -> bool:
    if isinstance(error, grpc.RpcError):
        return status(error)[0] in _TRANSIENT
    return isinstance(error, ResourceExhaustedResponse)
