"""The two servers of an embedded stack, each started when somebody first needs it."""

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from clustering_pipeline.local.stack.mongod import QDRANT_FIX, Mongod, find_mongod, start_mongod
from clustering_pipeline.model.errors import LocalStackUnavailable

MONGODB = "mongodb"
QDRANT = "qdrant"


class Services:
    """The servers over one folder.

    ``lock`` is the descriptor of the folder's lock; mongod inherits it, so that nobody starts
    over a folder that a dying mongod still writes to.
    """

    def __init__(self, folder: Path, *, lock: int):
        self._folder = folder
        self._lock = lock
        self._mongod: Mongod | None = None
        self._qdrant: Any = None

    def require(self, request: Mapping[str, Any]) -> dict[str, str | None]:
        """Start what ``request["need"]`` names unless it runs; give all addresses there are."""
        starts: Mapping[str, Callable[[Mapping[str, Any]], None]] = {
            MONGODB: self._start_mongod,
            QDRANT: self._start_qdrant,
        }
        for service in request["need"]:
            starts[service](request)
        return self.addresses

    @property
    def addresses(self) -> dict[str, str | None]:
        """Where each service is; ``None`` if it does not run."""
        return {
            "mongodb_uri": self._mongod.uri if self._mongod else None,
            "qdrant_url": self._qdrant.url if self._qdrant else None,
        }

    def stop(self) -> None:
        """End both, cleanly."""
        try:
            if self._qdrant is not None:
                self._qdrant.stop()
        finally:
            if self._mongod is not None:
                self._mongod.stop()

    def _start_mongod(self, request: Mapping[str, Any]) -> None:
        if self._mongod is not None:
            if self._mongod.serves:
                return
            self._mongod.stop()
        named = request["mongod"]
        self._mongod = start_mongod(
            find_mongod(Path(named) if named else None),
            self._folder / "mongodb",
            journal=request["journal"],
            lock=self._lock,
        )

    def _start_qdrant(self, _: Mapping[str, Any]) -> None:
        if self._qdrant is not None:
            return
        try:  # here, because a stack whose Qdrant is elsewhere need not have the engine installed
            server = importlib.import_module("clustering_pipeline.local.qdrant.server")
        except ImportError as error:
            message = f"the Qdrant engine is not installed ({error.name}); {QDRANT_FIX}"
            raise LocalStackUnavailable(message) from error
        self._qdrant = server.QdrantServer(self._folder / "qdrant")
