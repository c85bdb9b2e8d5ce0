"""The collections of one data directory: the registry and the shards kept in step."""

import json
import logging
import shutil
import threading
from collections import OrderedDict
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import qdrant_edge as edge
from google.protobuf import json_format
from qdrant_client import grpc as messages

from clustering_pipeline.local.atomic import write_atomically
from clustering_pipeline.local.qdrant.config import (
    VectorShape,
    describe,
    engine_config,
    vector_shapes,
)
from clustering_pipeline.local.qdrant.filters import asked_shards
from clustering_pipeline.local.qdrant.status import (
    already_exists,
    bad_request,
    collection_missing,
    not_found,
    wrong_input,
)
from clustering_pipeline.local.qdrant.strict import Rations, check, shuffled

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


@dataclass(frozen=True, kw_only=True)
class Collection:
    """One collection.  Its shard lies in ``folder``, a name of the server's own making, so that
    any string can name a collection.

    One with shard keys of its own has a shard for each in ``keyed``, and none of its points in
    ``folder``.
    """

    name: str
    folder: str
    config: messages.CollectionConfig
    keyed: Mapping[str, str] | None = None

    @property
    def folders(self) -> list[str]:
        """Where all of its shards lie."""
        return [self.folder, *(self.keyed or {}).values()]

    def asked(self, request: Any) -> dict[str, str]:
        """Of the shards that a request is about, key and folder."""
        keys = asked_shards(request)
        present = {"": self.folder} if self.keyed is None else self.keyed
        for key in keys:
            if key not in present:
                raise bad_request(reason=f'Shard key "{key[1:]}" not found')
        return {key: folder for key, folder in present.items() if not keys or key in keys}

    @cached_property
    def shapes(self) -> dict[str, VectorShape]:
        """Its vectors by name."""
        return vector_shapes(self.config.params)


@dataclass(frozen=True, kw_only=True)
class Contents:
    """Everything the registry holds, at one moment."""

    collections: Mapping[str, Collection] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)

    def resolve(self, name: str) -> Collection:
        """The collection called ``name``, or the one that alias stands for."""
        found = self.collections.get(self.aliases.get(name, name))
        if found is None:
            raise collection_missing(name)
        return found

    def with_collection(self, collection: Collection) -> "Contents":
        """One collection more."""
        name = collection.name
        if name in self.collections:
            raise already_exists(what=f"Collection `{name}` already exists!")
        if name in self.aliases:
            raise already_exists(what=f"Alias `{name}` already exists!")
        return replace(self, collections={**self.collections, name: collection})

    def with_config(self, name: str, config: messages.CollectionConfig) -> "Contents":
        """One collection with another configuration."""
        changed = replace(self.resolve(name), config=config)
        return replace(self, collections={**self.collections, changed.name: changed})

    def with_shard(self, name: str, key: str, folder: str) -> "Contents":
        """One shard key more."""
        collection = self.resolve(name)
        if collection.keyed is None:
            raise wrong_input(reason=f"collection {name} has no shard keys of its own")
        if key in collection.keyed:
            raise bad_request(reason=f'Sharding key "{key[1:]}" already exists')
        changed = replace(collection, keyed={**collection.keyed, key: folder})
        return replace(self, collections={**self.collections, changed.name: changed})

    def without_collection(self, name: str) -> "Contents":
        """One collection less, and no alias that stood for it."""
        collections = {key: value for key, value in self.collections.items() if key != name}
        aliases = {alias: target for alias, target in self.aliases.items() if target != name}
        return Contents(collections=collections, aliases=aliases)

    def with_alias(self, alias: str, name: str) -> "Contents":
        """One alias more, or an alias that now stands for another collection."""
        if alias in self.collections:
            raise already_exists(what=f"Collection `{alias}` already exists!")
        if name not in self.collections:
            raise collection_missing(name)
        return replace(self, aliases={**self.aliases, alias: name})

    def without_alias(self, alias: str) -> "Contents":
        """One alias less; no matter if there was none."""
        aliases = {key: value for key, value in self.aliases.items() if key != alias}
        return replace(self, aliases=aliases)

    def with_renamed_alias(self, old: str, new: str) -> "Contents":
        """One alias under another name."""
        if old not in self.aliases:
            raise not_found(what=f"Alias {old} does not exists!")
        return self.without_alias(old).with_alias(new, self.aliases[old])


class Registry:
    """The registry of one data directory.  Readers see a snapshot; writers take turns."""

    def __init__(self, root: Path):
        self._path = root / "registry.json"
        self._lock = threading.Lock()
        self.contents = _load(self._path)

    def change(self, changed: Callable[[Contents], Contents]) -> Contents:
        """Apply one change, or raise and leave everything as it was; gives what was before."""
        with self._lock:
            before = self.contents
            after = changed(before)
            write_atomically(self._path, _dump(after))
            self.contents = after
            return before


def _load(path: Path) -> Contents:
    if not path.exists():
        return Contents()
    stored = json.loads(path.read_text(encoding="utf-8"))
    collections = {name: _collection(name, entry) for name, entry in stored["collections"].items()}
    return Contents(collections=collections, aliases=stored["aliases"])


def _collection(name: str, entry: Mapping[str, Any]) -> Collection:
    config = json_format.ParseDict(entry["config"], messages.CollectionConfig())
    return Collection(name=name, folder=entry["folder"], config=config, keyed=entry.get("keyed"))


def _dump(contents: Contents) -> str:
    collections = {
        name: {
            "folder": collection.folder,
            "config": json_format.MessageToDict(collection.config),
            **({} if collection.keyed is None else {"keyed": dict(collection.keyed)}),
        }
        for name, collection in contents.collections.items()
    }
    stored = {"collections": collections, "aliases": dict(contents.aliases)}
    return json.dumps(stored, ensure_ascii=False, indent=1)


FLUSH_SECONDS = 5.0

_log = logging.getLogger(__name__)


class CollectionStore:
    """Collections under ``root``; at most ``open_limit`` of their shards open at a time.

    Each that is made gets the ``strict`` terms, if there are any.  ``key_order`` draws in which
    order the keys of payloads come, if it is any.
    """

    def __init__(
        self,
        root: Path,
        *,
        open_limit: int = OPEN_LIMIT,
        strict: messages.StrictModeConfig | None = None,
        key_order: Random | None = None,
    ):
        self._strict = strict
        self._rations = Rations()
        self._key_order = key_order
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
        collection = self.contents.resolve(request.collection_name)
        terms = collection.config.strict_mode_config
        if terms.enabled:
            with self.shard(collection) as shard:
                indexes = describe(collection.config, shard.info()).payload_schema
            check(request, terms, {name: index.data_type for name, index in indexes.items()})
            self.ration(collection, request)
        return collection

    def ration(self, collection: Collection, request: Any) -> None:
        """Count what a request reads or writes, where that is rationed."""
        self._rations.take(collection.folder, request, collection.config.strict_mode_config)

    def shown(self, payload: Mapping[str, Any] | None) -> Mapping[str, Any]:
        """A payload with its keys as answers have them."""
        plain = payload or {}
        return plain if self._key_order is None else shuffled(plain, self._key_order)

    def shard(
        self, collection: Collection, *, write: bool = False
    ) -> AbstractContextManager[edge.EdgeShard]:
        """The engine of a collection, for this thread alone."""
        return self.shards.use(collection.folder, write=write)

    def each(
        self, collection: Collection, request: Any, *, write: bool = False
    ) -> Generator[tuple[str, edge.EdgeShard]]:
        """The shards that a request is about, one after the other, with their keys."""
        for key, folder in collection.asked(request).items():
            with self.shards.use(folder, write=write) as shard:
                yield key, shard

    def add_shard(self, collection: Collection, key: str) -> None:
        """Make a shard for a key."""
        folder = uuid4().hex
        self.contents.with_shard(collection.name, key, folder)
        self.shards.create(folder, engine_config(collection.config.params))
        self.registry.change(lambda contents: contents.with_shard(collection.name, key, folder))

    def create(self, name: str, config: messages.CollectionConfig) -> None:
        """Make an empty collection: the shard first, so that a known collection has one."""
        folder = uuid4().hex
        if self._strict is not None:
            config.strict_mode_config.CopyFrom(self._strict)
        custom = config.params.sharding_method == messages.Custom
        keyed = {} if custom else None
        collection = Collection(name=name, folder=folder, config=config, keyed=keyed)
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
        for folder in collection.folders:
            self._remove(folder)
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
        collections = self.contents.collections.values()
        known = {folder for collection in collections for folder in collection.folders}
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
