"""The open shards: opened when first used, the least recently used closed beyond a limit."""

import threading
from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import qdrant_edge as edge

from clustering_pipeline.local.qdrant.status import not_found

OPEN_LIMIT = 64


@dataclass(kw_only=True)
class _Slot:
    lock: threading.Lock = field(default_factory=threading.Lock)
    shard: edge.EdgeShard | None = None
    users: int = 0
    unflushed: bool = False


class ShardPool:
    """Shards by folder name.

    A thread holds at most one shard at a time, so waiting for a free place always ends.
    """

    def __init__(self, root: Path, *, limit: int = OPEN_LIMIT):
        self._root = root
        self._limit = limit
        self._slots: OrderedDict[str, _Slot] = OrderedDict()
        self._dropped: set[str] = set()
        self._changed = threading.Condition()

    @property
    def open_count(self) -> int:
        """How many shards are open or being opened."""
        return len(self._slots)

    def create(self, folder: str, config: edge.EdgeConfig) -> None:
        """Make a new, empty shard, open because somebody is about to use it."""
        path = self._root / folder
        path.mkdir(parents=True)
        slot = self._claim(folder)
        try:
            with slot.lock:
                slot.shard = edge.EdgeShard.create(str(path), config)
        finally:
            self._release(slot)

    @contextmanager
    def use(self, folder: str, *, write: bool = False) -> Generator[edge.EdgeShard]:
        """The shard for this thread alone, until the block ends."""
        slot = self._claim(folder)
        try:
            with slot.lock:
                if slot.shard is None:
                    slot.shard = edge.EdgeShard.load(str(self._root / folder))
                slot.unflushed |= write
                yield slot.shard
        finally:
            self._release(slot)

    def flush(self) -> None:
        """Write what changed to its place, which also keeps the write-ahead logs short."""
        with self._changed:
            folders = [folder for folder, slot in self._slots.items() if slot.unflushed]
        for folder in folders:
            self._flush_one(folder)

    def drop(self, folder: str) -> None:
        """Close the shard for good, once nobody uses it."""
        with self._changed:
            self._dropped.add(folder)
            self._changed.wait_for(lambda: self._is_idle(folder))
            self._close(folder)

    def close(self) -> None:
        """Close all shards, once nobody uses them."""
        with self._changed:
            for folder in list(self._slots):
                self._changed.wait_for(lambda folder=folder: self._is_idle(folder))
                self._close(folder)

    def _claim(self, folder: str) -> _Slot:
        with self._changed:
            if folder not in self._slots:
                self._changed.wait_for(lambda: folder in self._slots or self._make_room())
            if folder in self._dropped:
                raise not_found(what="the collection was deleted")
            slot = self._slots.setdefault(folder, _Slot())
            self._slots.move_to_end(folder)
            slot.users += 1
            return slot

    def _release(self, slot: _Slot) -> None:
        with self._changed:
            slot.users -= 1
            self._changed.notify_all()

    def _make_room(self) -> bool:
        if len(self._slots) < self._limit:
            return True
        idle = next((folder for folder in self._slots if self._is_idle(folder)), None)
        if idle is None:
            return False
        self._close(idle)
        return True

    def _is_idle(self, folder: str) -> bool:
        slot = self._slots.get(folder)
        return slot is None or slot.users == 0

    def _close(self, folder: str) -> None:
        slot = self._slots.pop(folder, None)
        if slot is not None and slot.shard is not None:
            slot.shard.close()

    def _flush_one(self, folder: str) -> None:
        with self._changed:
            slot = self._slots.get(folder)
            if slot is None:
                return
            slot.users += 1
        try:
            with slot.lock:
                if slot.shard is not None:
                    slot.shard.flush()
                    slot.unflushed = False
        finally:
            self._release(slot)
