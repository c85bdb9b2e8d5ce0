"""The collections of one data directory: the registry and the shards kept in step."""

import logging
import shutil
import threading
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from uuid import uuid4

import qdrant_edge as edge
from qdrant_client import grpc as messages

from clustering_pipeline.local.qdrant.convert.config import engine_config
from clustering_pipeline.local.qdrant.convert.selectors import refuse_shard_keys
from clustering_pipeline.local.qdrant.registry import Collection, Contents, Registry
from clustering_pipeline.local.qdrant.shards import OPEN_LIMIT, ShardPool

FLUSH_SECONDS = 5.0

_log = logging.getLogger(__name__)


class CollectionStore:
    """Collections under ``root``; at most ``open_limit`` of their shards open at a time."""

    def __init__(self, root: Path, *, open_limit: int = OPEN_LIMIT):
        root.mkdir(parents=True, exist_ok=True)
        self._folders = root / "shards"
        self.registry = Registry(root)
        self.shards = ShardPool(self._folders, limit=open_limit)
        self._stopping = threading.Event()
        self._sweep()
        self._flusher = threading.Thread(target=self._flush_regularly, daemon=True)
        self._flusher.start()

    @property
    def contents(self) -> Contents:
        """The collections and aliases as they are now."""
        return self.registry.contents

    def resolve(self, request: Any) -> Collection:
        """The collection a request names, by its name or an alias."""
        refuse_shard_keys(request)
        return self.contents.resolve(request.collection_name)

    def shard(
        self, collection: Collection, *, write: bool = False
    ) -> AbstractContextManager[edge.EdgeShard]:
        """The engine of a collection, for this thread alone."""
        return self.shards.use(collection.folder, write=write)

    def create(self, name: str, config: messages.CollectionConfig) -> None:
        """Make an empty collection: the shard first, so that a known collection has one."""
        folder = uuid4().hex
        collection = Collection(name=name, folder=folder, config=config)
        self.contents.with_collection(collection)
        try:
            self.shards.create(folder, engine_config(config.params))
            self.registry.change(lambda contents: contents.with_collection(collection))
        except Exception:
            self._remove(folder)
            raise

    def delete(self, name: str) -> bool:
        """Forget a collection, then remove its shard; whether there was one."""
        before = self.registry.change(lambda contents: contents.without_collection(name))
        collection = before.collections.get(name)
        if collection is None:
            return False
        self._remove(collection.folder)
        return True

    def close(self) -> None:
        """Close every shard."""
        self._stopping.set()
        self._flusher.join()
        self.shards.close()

    def _remove(self, folder: str) -> None:
        self.shards.drop(folder)
        shutil.rmtree(self._folders / folder, ignore_errors=True)

    def _sweep(self) -> None:
        # A shard without a collection was being created or deleted when the server was killed.
        known = {collection.folder for collection in self.contents.collections.values()}
        self._folders.mkdir(exist_ok=True)
        for folder in self._folders.iterdir():
            if folder.name not in known:
                shutil.rmtree(folder, ignore_errors=True)

    def _flush_regularly(self) -> None:
        while not self._stopping.wait(FLUSH_SECONDS):
            try:
                self.shards.flush()
            except Exception:  # noqa: BLE001 - a full disk may have room again in five seconds
                _log.exception("flushing failed")
