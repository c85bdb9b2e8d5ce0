"""The server: services wired to the collections of one data directory, on a loopback port."""

from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any

import grpc
from qdrant_client import grpc as messages

from clustering_pipeline.local.qdrant.collections import CollectionsService
from clustering_pipeline.local.qdrant.handlers import generic_handlers
from clustering_pipeline.local.qdrant.points import PointsService, QueriesService
from clustering_pipeline.local.qdrant.store import OPEN_LIMIT, CollectionStore
from clustering_pipeline.local.qdrant.updates import UpdatesService

_WORKERS = 8
_GRACE_SECONDS = 5.0
_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.so_reuseport", 0),  # a taken port is an error, not a second listener
)


class QdrantServer:
    """Serves ``root`` until stopped.  One server at a time may own a directory.

    ``strict`` are the terms of every collection that is made, those of a server in production, its
    limits of rates among them; ``key_order`` draws in which order the keys of payloads come.
    """

    def __init__(
        self,
        root: Path,
        *,
        port: int = 0,
        open_limit: int = OPEN_LIMIT,
        strict: messages.StrictModeConfig | None = None,
        key_order: Random | None = None,
    ):
        self._store = CollectionStore(
            root, open_limit=open_limit, strict=strict, key_order=key_order
        )
        self._server = grpc.server(ThreadPoolExecutor(_WORKERS), options=_OPTIONS)
        self._server.add_generic_rpc_handlers(generic_handlers(_served(self._store)))
        self.port = self._server.add_insecure_port(f"127.0.0.1:{port}")
        self._server.start()

    @property
    def url(self) -> str:
        """The address; its port speaks gRPC and nothing else."""
        return f"grpc://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """Let requests under way end, then close the collections."""
        self._server.stop(_GRACE_SECONDS).wait()
        self._store.close()


def _served(store: CollectionStore) -> dict[str, Any]:
    points = (PointsService(store), QueriesService(store), UpdatesService(store))
    return {
        "Collections": CollectionsService(store).methods,
        "Points": {name: method for part in points for name, method in part.methods.items()},
        "Qdrant": {"HealthCheck": _health_check},
    }


def _health_check(_: messages.HealthCheckRequest) -> messages.HealthCheckReply:
    # The client's version, so that its compatibility check has nothing to warn about.
    return messages.HealthCheckReply(
        title="qdrant - embedded, on Qdrant Edge", version=version("qdrant-client")
    )
