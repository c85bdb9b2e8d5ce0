"""What a server in production counts and orders as it likes, on the embedded one."""

from random import Random

import grpc
import numpy as np
import pytest
from qdrant_client import grpc as messages

from clustering_pipeline.local.qdrant.server import QdrantServer
from clustering_pipeline.local.qdrant.status import Refused
from clustering_pipeline.local.qdrant.strict import Rations
from clustering_pipeline.stores.documents import Documents
from clustering_pipeline_tests.local.qdrant.factories import refused

TERMS = messages.StrictModeConfig(enabled=True, read_rate_limit=6, write_rate_limit=60)
KEYS = [f"key {number}" for number in range(40)]


def by_ids(count: int) -> messages.PointsSelector:
    ids = [messages.PointId(num=number) for number in range(count)]
    return messages.PointsSelector(points=messages.PointsIdsList(ids=ids))


def upsert(count: int) -> messages.UpsertPoints:
    return messages.UpsertPoints(points=[messages.PointStruct()] * count)


def waits(*steps, terms=TERMS) -> list[int | None]:
    """After how many seconds each request may come again; None where it passed."""
    moments: list[float] = [0.0]
    rations = Rations(clock=lambda: moments[-1])
    answers: list[int | None] = []
    for step in steps:
        if isinstance(step, int):
            moments.append(moments[-1] + step)
            continue
        try:
            rations.take("any", step, terms)
        except Refused as error:
            answers.append(error.retry_after or -1)
        else:
            answers.append(None)
    return answers


GET = messages.GetPoints(ids=by_ids(3).points.ids)
SCROLL, DELETE = messages.ScrollPoints(limit=30), messages.DeletePoints(points=by_ids(30))
BY_FILTER = messages.SetPayloadPoints(points_selector=messages.PointsSelector(filter={}))
INDEX = messages.CreateFieldIndexCollection()


@pytest.mark.parametrize(
    ("steps", "seconds"),
    [  # as a server 1.19 answered
        pytest.param([upsert(25), upsert(25)], [None, 15], id="the-first-write-counts-twice"),
        pytest.param([upsert(40), upsert(5)], [20, None], id="more-than-half-of-it-at-first"),
        pytest.param([upsert(1), DELETE, DELETE], [None, None, 2], id="by-the-point"),
        pytest.param([upsert(1), INDEX, upsert(57)], [None, None, 1], id="an-index-is-two"),
        pytest.param([BY_FILTER, upsert(59)], [None, 1], id="a-filter-is-one"),
        pytest.param([upsert(1), upsert(61)], [None, -1], id="never"),
        pytest.param([GET, GET, GET, SCROLL], [None, None, 30, 10], id="reads-by-id"),
        pytest.param([*[SCROLL] * 7, 10, SCROLL], [*[None] * 6, 10, None], id="pages"),
        pytest.param([messages.GetCollectionInfoRequest()] * 9, [None] * 9, id="about-it"),
    ],
)
def test_requests_are_rationed(steps, seconds):
    assert waits(*steps) == seconds


def test_without_terms_nothing_is_rationed():
    off = messages.StrictModeConfig(enabled=False, write_rate_limit=1)
    assert waits(upsert(9), terms=off) == [None]
    assert waits(upsert(9), terms=messages.StrictModeConfig(enabled=True)) == [None]


@pytest.fixture
def rationed(tmp_path):
    terms = messages.StrictModeConfig(enabled=True, read_rate_limit=6000, write_rate_limit=120)
    server = QdrantServer(tmp_path, strict=terms, key_order=Random(0))  # noqa: S311 - of keys
    documents = Documents.connect(server.url)
    documents.create_collection("any", {"v": 2})
    yield documents
    documents.close()
    server.stop()


def test_a_load_goes_on_when_the_server_says(rationed):
    waited = []
    rationed.waiting = lambda: waited.append(True)
    for first, count in ((0, 30), (30, 65)):
        vectors = {"v": np.ones((count, 2), np.float32)}
        rationed.upsert("any", range(first, first + count), vectors, [{"n": 1}] * count)
    assert (rationed.points("any"), waited) == (95, [True])


def test_what_never_passes_is_told_so(rationed):
    connection = rationed._connection._client.grpc_points
    selector = messages.PointsSelector(points=by_ids(600).points)
    delete = messages.DeletePoints(collection_name="any", points=selector)
    with refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "larger than rate limiter capacity"):
        connection.Delete(delete)


def test_keys_come_in_any_order(rationed):
    rationed.upsert("any", [1], {"v": np.ones((1, 2), np.float32)}, [dict.fromkeys(KEYS, 1)])
    pages = [rationed.retrieve("any", ["1"]) for _ in range(9)]
    assert {frozenset(point.payload) for (point,) in pages} == {frozenset(KEYS)}
    assert len({tuple(point.payload) for (point,) in pages}) > 1
