"""Which collections and aliases there are: one JSON file, replaced whole at each change."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from google.protobuf import json_format
from qdrant_client import grpc as messages

from clustering_pipeline.local.atomic import write_atomically
from clustering_pipeline.local.qdrant.convert.config import VectorShape, vector_shapes
from clustering_pipeline.local.qdrant.status import already_exists, collection_missing, not_found


@dataclass(frozen=True, kw_only=True)
class Collection:
    """One collection.  Its shard lies in ``folder``, a name of the server's own making, so that
    any string can name a collection.
    """

    name: str
    folder: str
    config: messages.CollectionConfig

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


def _collection(name: str, entry: Mapping[str, str]) -> Collection:
    config = json_format.ParseDict(entry["config"], messages.CollectionConfig())
    return Collection(name=name, folder=entry["folder"], config=config)


def _dump(contents: Contents) -> str:
    collections = {
        name: {
            "folder": collection.folder,
            "config": json_format.MessageToDict(collection.config),
        }
        for name, collection in contents.collections.items()
    }
    stored = {"collections": collections, "aliases": dict(contents.aliases)}
    return json.dumps(stored, ensure_ascii=False, indent=1)
