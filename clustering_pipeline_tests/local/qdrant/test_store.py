"""What is on disk: whole after any end of the server."""

import json

import grpc
import pytest
from qdrant_client import grpc as messages

from clustering_pipeline.local.qdrant.config import stored_config
from clustering_pipeline.local.qdrant.status import Refused
from clustering_pipeline.local.qdrant.store import CollectionStore

CONFIG = stored_config(
    messages.CreateCollection(
        vectors_config=messages.VectorsConfig(
            params=messages.VectorParams(size=2, distance=messages.Dot)
        )
    )
)


@pytest.fixture
def open_store(tmp_path):
    """Opens the store of one directory, again and again."""
    opened = []

    def open_it() -> CollectionStore:
        for store in opened:
            store.close()
        opened[:] = [CollectionStore(tmp_path)]
        return opened[0]

    yield open_it
    opened[0].close()


def folders(root) -> set[str]:
    return {path.name for path in (root / "shards").iterdir()}


def test_a_fresh_directory_holds_nothing(open_store):
    contents = open_store().contents
    assert (contents.collections, contents.aliases) == ({}, {})


def test_collections_and_aliases_outlive_the_server(open_store):
    store = open_store()
    store.create("Ünïcode", CONFIG)
    store.registry.change(lambda contents: contents.with_alias("alias", "Ünïcode"))
    contents = open_store().contents
    assert contents.resolve("alias").config == CONFIG
    assert contents.aliases == {"alias": "Ünïcode"}


def test_a_shard_without_a_collection_is_swept_away(open_store, tmp_path):
    store = open_store()
    store.create("kept", CONFIG)
    kept = folders(tmp_path)
    (tmp_path / "shards" / "half-created").mkdir()
    open_store()
    assert folders(tmp_path) == kept


def test_deleting_removes_the_shard(open_store, tmp_path):
    store = open_store()
    store.create("gone", CONFIG)
    assert (store.delete("gone"), store.delete("gone"), folders(tmp_path)) == (True, False, set())


def test_a_collection_that_cannot_be_made_leaves_nothing(open_store, tmp_path):
    store = open_store()
    with pytest.raises(Refused) as refused:
        store.create("none", messages.CollectionConfig())
    assert refused.value.code == grpc.StatusCode.UNIMPLEMENTED
    assert (store.contents.collections, folders(tmp_path)) == ({}, set())


def test_the_registry_is_replaced_whole(open_store, tmp_path):
    open_store().create("one", CONFIG)
    assert list(json.loads((tmp_path / "registry.json").read_text())) == ["collections", "aliases"]
    assert [path.name for path in tmp_path.glob(".registry*")] == []
