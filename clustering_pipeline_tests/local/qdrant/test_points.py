from uuid import UUID

import grpc
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from qdrant_client import grpc as messages
from qdrant_client import models

from clustering_pipeline_tests.local.qdrant.factories import (
    ONE_VECTOR,
    ids,
    payload,
    point,
    refused,
)

INVALID = grpc.StatusCode.INVALID_ARGUMENT
SOME_UUID = "67e55044-10b1-426f-9247-bb680e5fe0c8"

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.integers(-(10**6), 10**6).map(lambda number: number / 64)  # the engine rounds longer ones
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_an_empty_collection_has_nothing_to_give(qdrant, docs):
    assert qdrant.scroll(docs) == ([], None)
    assert qdrant.count(docs).count == 0
    assert qdrant.retrieve(docs, [1, SOME_UUID]) == []
    assert qdrant.query_points(docs, query=[1.0, 0.0], using="image").points == []


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=st.dictionaries(st.text(), JSON, max_size=5))
def test_a_payload_comes_back_as_it_was_written(qdrant, written):
    if not qdrant.collection_exists("json"):
        qdrant.create_collection("json", vectors_config=ONE_VECTOR)
    qdrant.upsert("json", [models.PointStruct(id=1, vector=[0, 0], payload=written)])
    assert payload(qdrant, "json", 1) == written


def test_ids_are_unsigned_integers_or_uuids(qdrant, docs):
    qdrant.upsert(docs, [point(0), point(2**64 - 1), point(SOME_UUID)])
    assert ids(qdrant, docs) == [0, 2**64 - 1, SOME_UUID]
    assert qdrant.retrieve(docs, [UUID(SOME_UUID).hex])[0].id == SOME_UUID
    with refused(INVALID, "Unable to parse UUID: foo"):
        qdrant.retrieve(docs, ["foo"])


def test_named_vectors_come_back_under_their_names(qdrant, docs):
    vectors = {"text": [0.0, 3.0, 0.0, 4.0], "image": [0.5, -2.0]}
    qdrant.upsert(docs, [models.PointStruct(id=1, vector=vectors)])
    record = qdrant.retrieve(docs, [1], with_vectors=True)[0]
    # Cosine vectors are kept normalised, as a server keeps them.
    assert record.vector == {"text": pytest.approx([0, 0.6, 0, 0.8]), "image": [0.5, -2.0]}
    record = qdrant.retrieve(docs, [1], with_vectors=["image"])[0]
    assert record.vector == {"image": [0.5, -2.0]}


def test_a_vector_without_a_name_comes_back_bare(qdrant, plain):
    qdrant.upsert(plain, [models.PointStruct(id=1, vector=[1, 2])])
    assert qdrant.scroll(plain, with_vectors=True)[0][0].vector == [1.0, 2.0]


def test_a_point_may_lack_a_vector(qdrant, docs):
    qdrant.upsert(
        docs,
        [models.PointStruct(id=1, vector={"image": [1, 2]}), models.PointStruct(id=2, vector={})],
    )
    records = qdrant.retrieve(docs, [1, 2], with_vectors=True)
    assert [record.vector for record in records] == [{"image": [1.0, 2.0]}, {}]


@pytest.fixture
def kinds(qdrant):
    """An empty collection of sparse vectors and of several dense ones per point."""
    comparator = models.MultiVectorComparator.MAX_SIM
    several = models.MultiVectorConfig(comparator=comparator)
    many = models.VectorParams(size=2, distance=models.Distance.DOT, multivector_config=several)
    words = {"words": models.SparseVectorParams()}
    qdrant.create_collection("kinds", vectors_config={"many": many}, sparse_vectors_config=words)
    return "kinds"


def test_sparse_and_multiple_vectors(qdrant, kinds):
    vectors = {
        "many": [[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]],
        "words": models.SparseVector(indices=[3, 70000], values=[0.5, 0.25]),
    }
    qdrant.upsert(kinds, [models.PointStruct(id=1, vector=vectors)])
    assert qdrant.retrieve(kinds, [1], with_vectors=True)[0].vector == vectors
    sparse = models.SparseVector(indices=[3], values=[2.0])
    found = qdrant.query_points(kinds, query=sparse, using="words")
    assert [(hit.id, hit.score) for hit in found.points] == [(1, 1.0)]
    for query in ([[1.0, 1.0]], [1.0, 1.0]):
        found = qdrant.query_points(kinds, query=query, using="many")
        assert [(hit.id, hit.score) for hit in found.points] == [(1, 4.0)]


def test_one_dense_vector_may_stand_for_several(qdrant, kinds):
    qdrant.upsert(kinds, [models.PointStruct(id=1, vector={"many": [1.0, 2.0]})])
    assert qdrant.retrieve(kinds, [1], with_vectors=True)[0].vector == {"many": [[1.0, 2.0]]}


def test_a_malformed_sparse_vector_is_refused(qdrant, qdrant_url, kinds):
    twice = models.SparseVector(indices=[1, 1], values=[1.0, 2.0])
    with refused(INVALID, "must have unique indices"):
        qdrant.upsert(kinds, [models.PointStruct(id=1, vector={"words": twice})])
    short = messages.Vector(sparse=messages.SparseVector(indices=[1, 2], values=[1.0]))
    named = messages.NamedVectors(vectors={"words": short})
    struct = messages.PointStruct(
        id=messages.PointId(num=1), vectors=messages.Vectors(vectors=named)
    )
    with (
        grpc.insecure_channel(qdrant_url.removeprefix("grpc://")) as channel,
        refused(INVALID, "as many values as indices"),
    ):
        request = messages.UpsertPoints(collection_name=kinds, points=[struct])
        messages.PointsStub(channel).Upsert(request)
    assert qdrant.count(kinds).count == 0


def test_vectors_in_the_older_form_are_understood(qdrant, qdrant_url, kinds):
    vectors = {
        "many": messages.Vector(data=[1.0, 2.0, 3.0, 4.0], vectors_count=2),
        "words": messages.Vector(data=[0.5], indices=messages.SparseIndices(data=[7])),
    }
    named = messages.Vectors(vectors=messages.NamedVectors(vectors=vectors))
    struct = messages.PointStruct(id=messages.PointId(num=1), vectors=named)
    with grpc.insecure_channel(qdrant_url.removeprefix("grpc://")) as channel:
        request = messages.UpsertPoints(collection_name=kinds, points=[struct])
        messages.PointsStub(channel).Upsert(request)
    assert qdrant.retrieve(kinds, [1], with_vectors=True)[0].vector == {
        "many": [[1.0, 2.0], [3.0, 4.0]],
        "words": models.SparseVector(indices=[7], values=[0.5]),
    }


def test_vectors_that_are_not_numbers_are_kept_for_the_reader_to_judge(qdrant, plain):
    qdrant.upsert(plain, [models.PointStruct(id=1, vector=[float("nan"), float("inf")])])
    vector = qdrant.retrieve(plain, [1], with_vectors=True)[0].vector
    np.testing.assert_array_equal(vector, [np.nan, np.inf])


@pytest.mark.parametrize(
    ("vector", "text"),
    [
        pytest.param({"text": [1.0, 2.0]}, "expected dim: 4, got 2", id="too short"),
        pytest.param({"video": [1.0]}, "Not existing vector name error: video", id="unknown"),
        pytest.param([1.0, 2.0], "Not existing vector name error: ", id="no name"),
        pytest.param(
            {"image": models.SparseVector(indices=[1], values=[1.0])}, "is dense", id="sparse"
        ),
        pytest.param({"image": [[1.0, 2.0]]}, "is dense", id="several"),
    ],
)
def test_a_wrong_vector_leaves_the_whole_request_undone(qdrant, docs, vector, text):
    with refused(INVALID, text):
        qdrant.upsert(docs, [point(1), models.PointStruct(id=2, vector=vector)])
    assert qdrant.count(docs).count == 0


def test_pages_follow_each_other_until_the_last(qdrant, docs):
    qdrant.upsert(docs, [point(number) for number in range(7)])
    pages, offset = [], None
    while True:
        records, offset = qdrant.scroll(docs, limit=3, offset=offset)
        pages.append([record.id for record in records])
        if offset is None:
            break
    assert pages == [[0, 1, 2], [3, 4, 5], [6]]


def test_a_page_has_ten_points_unless_asked_otherwise(qdrant, docs):
    qdrant.upsert(docs, [point(number) for number in range(12)])
    assert len(qdrant.scroll(docs)[0]) == 10
    with refused(INVALID, "limit"):
        qdrant.scroll(docs, limit=0)


def test_payload_can_be_selected(qdrant, docs):
    qdrant.upsert(docs, [point(1, a=1, b={"c": 2, "d": 3})])
    for wish, expected in (
        (True, {"a": 1, "b": {"c": 2, "d": 3}}),
        (False, {}),
        (["b.c"], {"b": {"c": 2}}),
        (models.PayloadSelectorExclude(exclude=["b"]), {"a": 1}),
    ):
        assert (qdrant.scroll(docs, with_payload=wish)[0][0].payload or {}) == expected


def test_points_are_counted_with_and_without_a_filter(qdrant, docs):
    qdrant.upsert(docs, [point(number, even=number % 2 == 0) for number in range(5)])
    even = models.Filter(
        must=[models.FieldCondition(key="even", match=models.MatchValue(value=True))]
    )
    assert (qdrant.count(docs).count, qdrant.count(docs, count_filter=even).count) == (5, 3)
