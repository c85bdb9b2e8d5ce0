"""The contract's own examples: requests taken as they are, answers with every key shown there."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from clustering_pipeline.model.collections import RegisterCollectionRequest
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline_tests.api.answers import ok
from clustering_pipeline_tests.worlds.planted import Documents, planted

EXAMPLES = json.loads((Path(__file__).parent / "contract" / "examples.json").read_text())
REQUESTS, PARTS, ANSWERS = EXAMPLES["requests"], EXAMPLES["parts"], EXAMPLES["answers"]
PLACEHOLDER = "<string>"
VECTOR = "text_extractor_v1_embedding"


def missing(shown: Any, answer: Any, place: str = "") -> Iterator[str]:
    """The keys of an example that an answer lacks; an example shows one item of a list."""
    if isinstance(shown, list):
        for item in answer:
            yield from missing(shown[0], item, f"{place}[]")
    elif isinstance(shown, dict):
        for key, below in shown.items():
            if key not in answer:
                yield f"{place}.{key}"
            elif answer[key] is not None:
                yield from missing(below, answer[key], f"{place}.{key}")


@pytest.fixture(scope="module", autouse=True)
def collections(served):
    """The collections that the examples name, each with some documents."""
    documents = planted(sizes={"sea": 14, "kitchen": 12, "space": 10})
    facts = {"category": "a", "brand": "b", "metadata": {"status": "new", "priority": 1}}
    payloads = [{**one, **facts} for one in documents.payloads]
    documents = replace(documents, payloads=payloads)
    stores = served.pipeline
    for name in (PLACEHOLDER, *REQUESTS["execute"]["collection_ids"]):
        qdrant_collection = _filled(served, documents)
        request = RegisterCollectionRequest(
            collection_id=name if name.startswith("col_") else None,
            collection_name=name.replace("col_", "", 1),
            qdrant_collection=qdrant_collection,
        )
        stores.catalog.collections.register(LOCAL, request)


def _filled(served, documents: Documents) -> str:
    name = f"examples {uuid4().hex[:8]}"
    size = documents.vectors.shape[1]
    stores = served.pipeline.documents
    vectors = {VECTOR: documents.vectors, "image_extractor_v1_embedding": documents.vectors}
    stores.create_collection(name, dict.fromkeys(vectors, size))
    stores.upsert(name, documents.ids, vectors, documents.payloads)
    return name


def create(client, **changes) -> dict[str, Any]:
    request = {**REQUESTS["create"], "cluster_name": f"example {uuid4().hex[:8]}", **changes}
    return ok(client.post("/v1/clusters", json=request))


def test_the_example_of_a_definition_is_taken_as_it_is(client):
    made = ok(client.post("/v1/clusters", json=REQUESTS["create"]))
    assert list(missing(ANSWERS["create"], made)) == []
    assert made["cluster_name"] == PLACEHOLDER
    assert ok(client.get(f"/v1/clusters/{made['cluster_id']}")) == made


@pytest.mark.parametrize(
    ("field", "example"),
    [
        pytest.param(field, example, id=f"{field}-{number}")
        for field, examples in PARTS.items()
        if field != "execute_config"
        for number, example in enumerate(examples)
    ],
)
def test_each_part_of_a_definition_is_kept_and_returned(client, field, example):
    made = create(client, **{field: example})
    patched = ok(client.patch(f"/v1/clusters/{made['cluster_id']}", json={"description": "x"}))
    assert _within(example, patched[field])


def _within(example: Any, answer: Any) -> bool:
    """Whether an answer says all that an example says, and perhaps more."""
    if isinstance(example, dict):
        return all(key in answer and _within(one, answer[key]) for key, one in example.items())
    if isinstance(example, list):
        return len(example) == len(answer) and all(map(_within, example, answer))
    return example == answer


def test_the_example_of_a_patch_is_taken_as_it_is(client):
    made = create(client, llm_labeling=None)
    (labeling,) = PARTS["llm_labeling"]
    address = f"/v1/clusters/{made['cluster_id']}"
    assert _within(
        labeling, ok(client.patch(address, json={"llm_labeling": labeling}))["llm_labeling"]
    )
    assert _within(labeling, ok(client.get(address))["llm_labeling"])


def test_the_example_of_a_list_is_taken_as_it_is(client):
    create(client)
    found = ok(client.post("/v1/clusters/list", json=REQUESTS["list"]))
    assert found["results"] == []
    assert list(missing(ANSWERS["list"], found)) == []
    everything = ok(client.post("/v1/clusters/list", json={"sort": REQUESTS["list"]["sort"]}))
    assert everything["results"]
    assert list(missing(ANSWERS["list"], everything)) == []


def test_the_example_of_a_call_without_a_definition_is_taken_as_it_is(client):
    found = ok(client.post("/v1/clusters/execute", json=REQUESTS["execute"]))
    assert list(missing(ANSWERS["execute"], found)) == []
    assert (found["success"], found["num_documents"], len(found["centroids"])) == (True, 72, 5)


@pytest.mark.parametrize("number", range(len(PARTS["execute_config"])))
def test_each_example_of_a_configuration_is_taken_as_it_is(client, number):
    config = PARTS["execute_config"][number]
    request = {**REQUESTS["execute"], "config": config, "store_results": False}
    found = ok(client.post("/v1/clusters/execute", json=request))
    assert (found["algorithm"], found["num_documents"]) == (config["algorithm"], 72)
    assert found["centroids"]
