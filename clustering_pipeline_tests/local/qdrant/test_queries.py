import grpc
import pytest
from qdrant_client import models

from clustering_pipeline_tests.local.qdrant.factories import refused

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
        pytest.param({"query": 2}, "a query by the id of a point", id="id"),
        pytest.param(
            {"query": models.OrderByQuery(order_by="even")}, "the query `order_by`", id="order"
        ),
    ],
)
def test_a_kind_of_query_that_is_not_served_says_so(qdrant, line, arguments, what):
    with refused(grpc.StatusCode.UNIMPLEMENTED, what):
        qdrant.query_points(line, **arguments)
