"""What Qdrant evaluates and what is left to do here add up to the filter, on a real server."""

import pytest
from hypothesis import HealthCheck, given, settings
from qdrant_client import models

from clustering_pipeline.model.filters.semantics import matches
from clustering_pipeline.model.filters.tree import parse_filter
from clustering_pipeline.stores.documents.pushdown import share_out
from clustering_pipeline_tests.sizes import FULL, size
from clustering_pipeline_tests.stores.documents import payloads
from clustering_pipeline_tests.stores.documents.evaluation import indexes, selected

INDEXES = ["none", "keyword", "integer", "float", "bool", "datetime", "text", "uuid"]


@pytest.fixture(params=INDEXES)
def collection(request, qdrant):
    name = f"pushdown-{request.param}"
    qdrant.create_collection(
        name, vectors_config=models.VectorParams(size=1, distance=models.Distance.DOT)
    )
    if request.param != "none":
        for field in ("a", "b", '"x.y"', "a.b", "a[].b"):
            qdrant.create_payload_index(name, field, models.PayloadSchemaType(request.param))
    return name


@settings(
    max_examples=size(ci=60, full=1500),
    deadline=None,
    derandomize=not FULL,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(stored=payloads.st.lists(payloads.payloads, min_size=1, max_size=12), obj=payloads.filters)
def test_both_halves_make_the_filter(qdrant, collection, stored, obj):
    qdrant.delete(collection, models.Filter(), wait=True)
    qdrant.upsert(
        collection,
        [
            models.PointStruct(id=number, vector=[1.0], payload=payload)
            for number, payload in enumerate(stored)
        ],
    )
    tree = parse_filter(obj)
    found = selected(qdrant, collection, share_out(tree, indexes=indexes(qdrant, collection)))
    assert found == [n for n, payload in enumerate(stored) if matches(tree, payload)]
