"""The same id under two shard keys is two documents, through everything that is done to points."""

from contextlib import contextmanager
from uuid import uuid4

import numpy as np
import pytest

from clustering_pipeline.model.errors import DocumentsRefused
from clustering_pipeline.model.filters.tree import parse_filter
from clustering_pipeline.stores.documents import Selection, Source
from clustering_pipeline_tests.worlds.keyed import make_keyed

KEYS = ("a b", "x", 7)
STORED = {
    "1#7": {"k": 7},
    "2#7": {"k": 7},
    "1@a b": {"k": "a b"},
    "3@x": {"k": "x"},
    "1@x": {"k": "x"},
}
ORDER = ["1#7", "2#7", "1@a b", "1@x", "3@x"]


@pytest.fixture
def keyed(documents, qdrant):
    name = f"keyed-{uuid4().hex}"
    make_keyed(qdrant, name, KEYS, vector="text", size=2)
    vectors = {"text": np.ones((len(STORED), 2), np.float32)}
    documents.upsert(name, list(STORED), vectors, list(STORED.values()))
    return name


def stored(documents, name):
    return {point.id: point.payload for page in documents.scroll(name) for point in page}


@pytest.mark.parametrize("page", [1, 2, 10])
def test_all_of_them_are_read_in_pages(documents, keyed, page):
    pages = list(documents.scroll(keyed, page=page))
    assert [point.id for points in pages for point in points] == ORDER
    assert {point.document_id for points in pages for point in points} == {"1", "2", "3"}
    assert stored(documents, keyed) == STORED
    assert documents.count(keyed) == len(STORED)


@pytest.mark.parametrize("start", ORDER)
def test_a_page_starts_at_any_of_them(documents, keyed, start):
    pages = documents.scroll(keyed, start=start, page=1)
    assert [point.id for page in pages for point in page] == ORDER[ORDER.index(start) :]


def test_an_id_brings_what_lies_under_every_key_and_one_with_a_key_that(documents, keyed):
    found = documents.retrieve(keyed, ["3", "1@x", "1", "9@x", "2@x"])
    assert [point.id for point in found] == ["3@x", "1@x", "1#7", "1@a b", "1@x"]


def test_a_filter_selects_among_all(documents, keyed):
    tree = parse_filter({"field": "k", "operator": "eq", "value": "x"})
    assert [point for page in documents.ids(keyed, tree) for point in page] == ["1@x", "3@x"]
    assert documents.count(keyed, tree) == 2


def test_fields_are_written_to_the_one_that_is_meant(documents, keyed):
    report = documents.write_payloads(
        keyed, [("1@x", {"n": 1}), ("1#7", {"n": 2}), ("2@x", {"n": 3})], remove_keys=["k"]
    )
    assert (report.written, report.failures) == (2, (("2@x", "there is no point 2@x"),))
    shared = documents.write_shared(keyed, ["1@a b", "3@x"], {"s": True})
    assert (shared.written, shared.failed) == (2, 0)
    assert stored(documents, keyed) == STORED | {
        "1@x": {"n": 1},
        "1#7": {"n": 2},
        "1@a b": {"k": "a b", "s": True},
        "3@x": {"k": "x", "s": True},
    }


def test_one_is_deleted_and_replaced_alone(documents, keyed):
    assert documents.delete_points(keyed, point_ids=["1@x"]) == 1
    vectors = {"text": np.ones((1, 2), np.float32)}
    documents.upsert(keyed, ["1@a b"], vectors, [{"new": 1}])
    documents.upsert(keyed, [2], vectors, [{"new": 2}], shard_key="7")
    rest = {name: payload for name, payload in STORED.items() if name != "1@x"}
    assert stored(documents, keyed) == rest | {"1@a b": {"new": 1}, "2#7": {"new": 2}}
    assert documents.delete_points(keyed) == 4
    assert documents.count(keyed) == 0


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (None, "has the shard keys 7, a b, x, each point lies under a shard key: name one"),
        ("y", "has the shard keys 7, a b, x, not 'y': name one"),
    ],
)
def test_a_write_without_a_key_that_is_there_is_refused(documents, keyed, key, reason):
    vectors = {"text": np.ones((1, 2), np.float32)}
    with pytest.raises(DocumentsRefused) as refused:
        documents.upsert(keyed, [8], vectors, [{}], shard_key=key)
    assert reason in refused.value.message
    assert stored(documents, keyed) == STORED


def test_a_collection_without_keys_takes_none(documents, fill):
    name = fill([])
    with pytest.raises(DocumentsRefused) as refused:
        documents.upsert(name, [1], {}, [{}], shard_key="x")
    assert refused.value.message == f"collection {name!r} has no shard keys: leave 'x' out"


def test_an_export_and_products_hold_all_of_them(documents, keyed):
    rows = []

    class Sink:
        def write(self, page):
            rows.extend(page.to_pylist())

    @contextmanager
    def sink(_):
        yield Sink()

    source = Source(collection_id="c", qdrant_collection=keyed, vector_names=("text",))
    report = documents.export(Selection(sources=[source]), sink)
    assert (report.source_documents, report.retrieved) == (5, 5)
    assert [(row["document_id"], row["point_id"]) for row in rows] == [
        ("1", "1#7"),
        ("1", "1@a b"),
        ("1", "1@x"),
        ("2", "2#7"),
        ("3", "3@x"),
    ]
    direction = np.array([1, 0], np.float32)
    answer = documents.products(
        keyed, None, vector="text", direction=direction, fields=(), named=False
    )
    assert sorted(answer.ids) == sorted(STORED)
