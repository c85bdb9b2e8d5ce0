import grpc
import pytest
from qdrant_client import models

from clustering_pipeline_tests.local.qdrant.factories import ONE_VECTOR, refused

INVALID = grpc.StatusCode.INVALID_ARGUMENT


@pytest.fixture
def line(qdrant, plain):
    """Points 0 … 4 at 0 … 4 on a line."""
    qdrant.upsert(
        plain,
        [
            models.PointStruct(id=number, vector=[number, 0], payload={"even": number % 2 == 0})
            for number in range(5)
        ],
    )
    return plain


def hits(response) -> list[tuple[int, float]]:
    return [(point.id, point.score) for point in response.points]


def test_the_nearest_points_come_first(qdrant, line):
    found = qdrant.query_points(line, query=[1.0, 0.0], limit=2, with_payload=False)
    assert hits(found) == [(4, 4.0), (3, 3.0)]
    assert (found.points[0].payload, found.points[0].vector) == (None, None)
    found = qdrant.query_points(line, query=[1.0, 0.0], limit=2, offset=1, score_threshold=2.5)
    assert hits(found) == [(3, 3.0)]


def test_a_hit_brings_what_it_is_asked_for(qdrant, line):
    found = qdrant.query_points(
        line, query=[1.0, 0.0], limit=1, with_payload=True, with_vectors=True
    )
    assert (found.points[0].payload, found.points[0].vector) == ({"even": True}, [4.0, 0.0])


def test_a_filter_applies_before_the_limit(qdrant, line):
    odd = models.Filter(
        must=[models.FieldCondition(key="even", match=models.MatchValue(value=False))]
    )
    assert hits(qdrant.query_points(line, query=[1.0, 0.0], query_filter=odd, limit=2)) == [
        (3, 3.0),
        (1, 1.0),
    ]


def test_a_point_stands_for_its_vector_and_is_not_its_own_neighbour(qdrant, line):
    assert hits(qdrant.query_points(line, query=2, limit=2)) == [(4, 8.0), (3, 6.0)]
    even = models.Filter(
        must=[models.FieldCondition(key="even", match=models.MatchValue(value=True))]
    )
    assert hits(qdrant.query_points(line, query=4, query_filter=even)) == [(2, 8.0), (0, 0.0)]
    with refused(grpc.StatusCode.NOT_FOUND, "No point with id 99"):
        qdrant.query_points(line, query=99)


def test_a_point_of_another_collection_stands_for_its_vector(qdrant, line):
    qdrant.create_collection("other", vectors_config={"v": ONE_VECTOR})
    qdrant.upsert(
        "other",
        [
            models.PointStruct(id=3, vector={"v": [2, 0]}),
            models.PointStruct(id=4, vector={}),
        ],
    )
    place = models.LookupLocation(collection="other", vector="v")
    assert hits(qdrant.query_points(line, query=3, lookup_from=place, limit=1)) == [(4, 8.0)]
    with refused(grpc.StatusCode.NOT_FOUND, "No vector `v` for point with id 4"):
        qdrant.query_points(line, query=4, lookup_from=place)


def test_queries_in_a_batch_are_answered_in_order(qdrant, line):
    requests = [
        models.QueryRequest(query=[1.0, 0.0], limit=1),
        models.QueryRequest(query=[-1.0, 0.0], limit=1),
        models.QueryRequest(limit=2),
    ]
    found = qdrant.query_batch_points(line, requests)
    assert [[point.id for point in response.points] for response in found] == [[4], [0], [0, 1]]


def test_a_sample_is_drawn_without_repetition(qdrant, line):
    sample = models.SampleQuery(sample=models.Sample.RANDOM)
    found = qdrant.query_points(line, query=sample, limit=10)
    assert sorted(point.id for point in found.points) == [0, 1, 2, 3, 4]


def test_a_query_may_order_by_a_field(qdrant, line):
    qdrant.set_payload(line, {"rank": 7}, [1])
    qdrant.set_payload(line, {"rank": 5}, [3])
    qdrant.create_payload_index(line, "rank", models.PayloadSchemaType.INTEGER)
    found = qdrant.query_points(line, query=models.OrderByQuery(order_by="rank"))
    assert [point.id for point in found.points] == [3, 1]


def test_a_query_that_does_not_fit_the_vectors_is_refused(qdrant, line):
    with refused(INVALID, "expected dim: 2, got 3"):
        qdrant.query_points(line, query=[1.0, 0.0, 0.0])
    with refused(INVALID, "Not existing vector name error: text"):
        qdrant.query_points(line, query=[1.0, 0.0], using="text")


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        pytest.param(
            {"query": models.RecommendQuery(recommend=models.RecommendInput(positive=[1]))},
            "the query `recommend`",
            id="recommend",
        ),
        pytest.param(
            {
                "query": models.FusionQuery(fusion=models.Fusion.RRF),
                "prefetch": [models.Prefetch(query=[1.0, 0.0])],
            },
            "a query with prefetches",
            id="prefetch",
        ),
    ],
)
def test_a_kind_of_query_that_is_not_served_says_so(qdrant, line, arguments, what):
    with refused(grpc.StatusCode.UNIMPLEMENTED, what):
        qdrant.query_points(line, **arguments)
