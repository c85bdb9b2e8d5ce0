"""Runs over a Qdrant in strict mode, as hosted collections are."""

import pytest
from qdrant_client import grpc

from clustering_pipeline.local.qdrant.server import QdrantServer
from clustering_pipeline.model.errors import DocumentsRefused
from clustering_pipeline.model.filters.tree import parse_filter
from clustering_pipeline.model.ids import run_mark
from clustering_pipeline_tests.worlds.direct import execute
from clustering_pipeline_tests.worlds.opened import open_places, open_world
from clustering_pipeline_tests.worlds.subjects import expected, shelf

SUBJECTS = {1: "sea", 2: "sea", 3: "sea", 4: "court", 5: "court", 6: None}
TERMS = grpc.StrictModeConfig(
    enabled=True,
    max_query_limit=3,
    unindexed_filtering_retrieve=False,
    search_allow_exact=False,
    condition_max_size=2,
    filter_max_conditions=4,
    upsert_max_batchsize=2,
)


@pytest.fixture(scope="module")
def world(mongodb_uri, tmp_path_factory):
    server = QdrantServer(tmp_path_factory.mktemp("strict"), strict=TERMS)
    with open_places(mongodb_uri, server.url) as places, open_world(places) as opened:
        yield opened
    server.stop()


def counts(execution) -> tuple[str, int, int, int, int]:
    done = execution.write_back
    return done.status, done.written, done.unchanged, done.removed, done.failed


def test_every_write_back_finds_what_differs(world):
    books = shelf(world, SUBJECTS)
    assert counts(execute(world.pipeline, books.onto)) == ("completed", 6, 0, 0, 0)
    assert counts(execute(world.pipeline, books.onto)) == ("completed", 0, 6, 0, 0)
    books.put({1: "sea", 7: "court"})
    assert counts(execute(world.pipeline, books.onto)) == ("completed", 4, 3, 0, 0)
    assert books.topics() == expected({**SUBJECTS, 7: "court"})
    name = books.collection.qdrant_collection
    assert list(world.pipeline.documents.describe(name).indexes) == [
        run_mark(books.onto.cluster_id)
    ]


def test_filters_on_fields_without_an_index_select_the_same(world):
    books = shelf(world, SUBJECTS)
    name = books.collection.qdrant_collection
    assert world.pipeline.documents.count(name, parse_filter({"subject": "sea"})) == 3
    narrow = execute(world.pipeline, books.onto, filters={"subject": "court"})
    assert counts(narrow)[:2] == ("completed", 2)


def test_the_stand_in_refuses_as_the_server_does(world):
    books = shelf(world, SUBJECTS)
    connection = world.pipeline.documents._connection
    name = books.collection.qdrant_collection
    field = grpc.FieldCondition(key="subject", match=grpc.Match(keyword="sea"))
    unindexed = grpc.Filter(must=[grpc.Condition(field=field)])
    for method, request in (
        ("Scroll", grpc.ScrollPoints(collection_name=name, limit=4)),
        ("Scroll", grpc.ScrollPoints(collection_name=name, limit=3, filter=unindexed)),
        ("Count", grpc.CountPoints(collection_name=name, exact=True)),
    ):
        with pytest.raises(DocumentsRefused, match="Bad request"):
            connection.points(method, request)
