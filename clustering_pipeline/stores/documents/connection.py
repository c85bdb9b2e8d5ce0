"""Calls to Qdrant: raw gRPC stubs, bounded retries, and one error for each way to fail."""

import logging
import re
import ssl
import time
import warnings
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import grpc
import stamina
from qdrant_client import QdrantClient
from qdrant_client import grpc as messages
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse

from clustering_pipeline.logs import tell
from clustering_pipeline.model.errors import (
    ClusteringError,
    CollectionNotFound,
    DocumentsRefused,
    DocumentsUnavailable,
    InvalidSettings,
    NameTaken,
    UnknownVector,
)

LOG = logging.getLogger(__name__)
LEAST_VERSION = (1, 13)
"""The first with all conditions that filters are made of."""
_DEADLINE = 60.0
_FIRST_CONTACT = 10.0
_TOLD_SECONDS = 5.0
_REST_PORT, _GRPC_PORT = 6333, 6334
_TRANSIENT = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.ABORTED,
    }
)
_SPEAKS_HTTP = "Trying to connect an http1.x server"
_UNREACHED = "failed to connect"
_GRPC_INSTEAD = (
    "speaks HTTP at this port: give its gRPC port, usually 6334, by CLUSTERING_QDRANT_URL"
)
_FIXES = {
    _SPEAKS_HTTP: _GRPC_INSTEAD,
    "http2 header with status": _GRPC_INSTEAD,
    "WRONG_VERSION_NUMBER": (
        "does not speak TLS at this port: let CLUSTERING_QDRANT_URL begin with grpc://"
    ),
    "CERTIFICATE_VERIFY_FAILED": (
        "has a certificate of an authority that is not known here: name a PEM file of that "
        "authority by CLUSTERING_QDRANT_CA"
    ),
    "Hostname Verification Check failed": (
        "has a certificate for another name: give that name by CLUSTERING_QDRANT_URL"
    ),
    "Invalid metadata": (
        "cannot be asked with this key: give CLUSTERING_QDRANT_API_KEY without line breaks"
    ),
}
"""What waiting does not change, by what gRPC says of it."""
_NEVER = ("larger than rate limiter capacity", *_FIXES)
_SCHEMES = frozenset({"grpc", "grpcs", "http", "https"})
_DENIED = frozenset({grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED})
_REFUSED = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    }
)


def open_client(
    url: str, api_key: str | None = None, *, authority: Path | None = None
) -> QdrantClient:
    """A client that speaks gRPC to ``url``.

    ``grpc://host:port`` (``grpcs`` with TLS) gives the gRPC port; ``http(s)://host:6333`` is the
    REST address of a server whose gRPC port is the usual 6334; any other port is taken as given.
    """
    parts = urlsplit(url if "://" in url else f"grpc://{url}")
    if parts.scheme not in _SCHEMES or not parts.hostname:
        message = f"CLUSTERING_QDRANT_URL: {shown(url)!r} is not of the form grpc://host:port"
        raise InvalidSettings(message)
    port = _port(parts)
    # A server that comes back is found again within a second, not within two minutes.
    options: dict[str, Any] = {
        "grpc.initial_reconnect_backoff_ms": 100,
        "grpc.max_reconnect_backoff_ms": 1000,
    }
    if authority is not None:
        options["root_certificates"] = _certificates(authority)
    with warnings.catch_warnings():
        # A key without TLS is the operator's choice, in a network of their own.
        warnings.simplefilter("ignore")
        return QdrantClient(
            host=parts.hostname,
            grpc_port=_GRPC_PORT if port is None or port == _REST_PORT else port,
            https=parts.scheme in {"https", "grpcs"},
            api_key=api_key,
            prefer_grpc=True,
            check_compatibility=False,
            grpc_options=options,
        )


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError as error:
        place = parts.netloc.rpartition("@")[2]
        message = f"CLUSTERING_QDRANT_URL: {place!r} has no port between 0 and 65535"
        raise InvalidSettings(message) from error


def _certificates(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        ssl.create_default_context(cadata=content.decode())
    except (ssl.SSLError, ValueError) as error:
        message = f"CLUSTERING_QDRANT_CA: {path} holds no certificate in PEM form"
        raise InvalidSettings(message) from error
    except OSError as error:
        message = f"CLUSTERING_QDRANT_CA: cannot read {path} ({error.strerror})"
        raise InvalidSettings(message) from error
    return content


def shown(url: str) -> str:
    """An address as messages show it: without a name and a password."""
    return re.sub(r"//[^/]*@", "//", url)


class Connection:
    """A client and the address that errors name."""

    def __init__(self, client: QdrantClient, *, address: str, patience: float):
        self._client = client
        self._patience = patience
        self._answered = False
        self._told = 0.0
        self.waiting: Callable[[], None] = lambda: None
        """Is called now and then while a server that has answered is waited for."""
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
        return self._version >= (1, 20)

    @cached_property
    def _version(self) -> tuple[int, ...]:
        version = self._retried(self._client.info).version
        return tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())

    def _greet(self) -> None:
        """The first contact, which nobody waits for as long as for a server that has answered."""
        if self._version < LEAST_VERSION:
            version, least = (".".join(map(str, part)) for part in (self._version, LEAST_VERSION))
            message = f"Qdrant at {self.address} is {version}: at least {least} is needed"
            raise DocumentsUnavailable(message)
        self._answered = True

    def _call(self, stub: Callable[[], Any], request: Any) -> Any:
        if not self._answered:
            self._greet()
        # The stub is asked for each time: the client hands out its channels in turn.
        return self._retried(lambda: stub()(request, timeout=_DEADLINE), request)

    def _retried(self, attempt: Callable[[], Any], request: Any = None) -> Any:
        patience = self._patience if self._answered else min(self._patience, _FIRST_CONTACT)
        attempts = stamina.retry_context(
            on=self._pause, attempts=None, timeout=patience, wait_initial=0.1, wait_max=2.0
        )
        try:
            for trial in attempts:
                with trial:
                    return attempt()
        except (grpc.RpcError, ResourceExhaustedResponse) as error:
            reached = not _reason(error).startswith(_UNREACHED) and not _fix(error)
            if isinstance(error, ResourceExhaustedResponse) or _is_transient(error) or not reached:
                raise self._unavailable(error) from error
            raise self._translated(error, request) from error
        raise AssertionError  # retry_context ends by returning or raising

    def _pause(self, error: Exception) -> bool | float:
        """Whether to try again, or after how many seconds where the server says that."""
        if not _is_transient(error):
            return False
        moment = time.monotonic()
        if self._answered and moment - self._told > _TOLD_SECONDS:
            self._told = moment
            tell(LOG, "waiting for Qdrant", logging.WARNING, because=_reason(error))
            self.waiting()
        if isinstance(error, ResourceExhaustedResponse):
            # A wait beyond all patience is not begun.
            return error.retry_after_s <= self._patience and float(error.retry_after_s)
        return True

    def _translated(self, error: grpc.RpcError, request: Any) -> ClusteringError:
        code, details = status(error)
        if code in _DENIED:
            return DocumentsUnavailable(self._denied(code, details))
        if code is grpc.StatusCode.NOT_FOUND and "ollection" in details:
            return self.collection_missing(_quoted_in(details))
        if code is grpc.StatusCode.ALREADY_EXISTS or "already exists" in details:
            name = _quoted_in(details) or getattr(request, "collection_name", details)
            return NameTaken(f"Qdrant already has a collection or alias {name!r}")
        if "Not existing vector name" in details:
            return self._vector_missing(request.collection_name, details)
        message = f"Qdrant at {self.address} refused a request: {details}"
        return DocumentsRefused(message) if code in _REFUSED else DocumentsUnavailable(message)

    def _denied(self, code: grpc.StatusCode, details: str) -> str:
        if code is grpc.StatusCode.PERMISSION_DENIED:
            return (
                f"the API key of Qdrant at {self.address} may not do this ({details}): "
                "set CLUSTERING_QDRANT_API_KEY to one that may write"
            )
        return (
            f"Qdrant at {self.address} refused the API key ({details}): "
            "set CLUSTERING_QDRANT_API_KEY"
        )

    def collection_missing(self, name: str) -> CollectionNotFound:
        """The sentence about a collection that is not there."""
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
        reason = _reason(error)
        if isinstance(error, ResourceExhaustedResponse):
            message = (
                f"Qdrant at {self.address} limits how much may be asked ({reason}): "
                "raise its rate limit, or CLUSTERING_QDRANT_PATIENCE"
            )
        elif fix := _fix(error):
            message = f"Qdrant at {self.address} {fix}"
        else:
            message = (
                f"Qdrant at {self.address} did not answer ({reason}): check that it runs, that "
                "CLUSTERING_QDRANT_URL is its address, and that this begins with grpcs:// for TLS"
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


def _reason(error: Exception) -> str:
    return status(error)[1] if isinstance(error, grpc.RpcError) else str(error)


def _fix(error: Exception) -> str:
    """What is wrong with an address, if that is what a call failed by."""
    reason = _reason(error)
    return next((fix for sign, fix in _FIXES.items() if sign in reason), "")


def _is_transient(error: Exception) -> bool:
    """Whether the same call may pass later; a call above what a limit ever lets pass may not."""
    if isinstance(error, grpc.RpcError):
        code, details = status(error)
        return code in _TRANSIENT and not any(sign in details for sign in _NEVER)
    return isinstance(error, ResourceExhaustedResponse)
