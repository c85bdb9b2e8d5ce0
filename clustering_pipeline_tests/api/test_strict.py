"""Documents over HTTP in a Qdrant in strict mode: every door asks what is allowed alone."""

import pytest

from clustering_pipeline.local.connect import open_pipeline
from clustering_pipeline.settings import Settings
from clustering_pipeline_tests.api.answers import ok
from clustering_pipeline_tests.api.served import served_app


@pytest.fixture
def strict(settings, strict_url):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLUSTERING_QDRANT_URL", strict_url)
        own = Settings()
        with (
            open_pipeline(own) as pipeline,
            served_app(own, pipeline) as served,
            served.client() as client,
        ):
            yield client


def test_documents_are_put_found_and_deleted(strict):
    asked = {"collection_name": "strict", "vector_sizes": {"text": 2}}
    made = ok(strict.post("/v1/collections", json=asked))
    place = f"/v1/collections/{made['collection_id']}/documents"
    documents = [
        {"document_id": f"d{n}", "vectors": {"text": [1, n]}, "payload": {"n": n}}
        for n in range(120)
    ]
    for _ in range(2):
        ok(strict.post(place, json={"documents": documents}))
    assert ok(strict.get(f"{place}/d7"))["payload"]["n"] == 7
    above = {"field": "n", "operator": "gte", "value": 100}
    page = ok(strict.post(f"{place}/list", json={"filters": above, "include_total": True}))
    assert (len(page["results"]), page["total_count"]) == (10, 20)
    gone = ok(strict.post(f"{place}/delete", json={"filters": above}))
    assert gone == {"deleted": 20}
