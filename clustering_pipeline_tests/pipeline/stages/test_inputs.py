"""Which documents a run reads, and how it tells them apart."""

import uuid
from dataclasses import replace

import pytest

from clustering_pipeline.model.collections import RegisterCollectionRequest
from clustering_pipeline.model.definitions.execute import ExecuteClusterByIdRequest
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.service.collections.register import register_existing
from clustering_pipeline_tests.worlds.planted import Documents, planted
from clustering_pipeline_tests.worlds.world import FEATURE, KMEANS, Done, World

TWO = KMEANS | {"algorithm_params": {"n_clusters": 2}}
FEW = {"sea": 30, "court": 20}


def members(world: World, ran: Done) -> list[tuple[str, str, str]]:
    frame = world.pipeline.artifacts.read_frame(ran.execution.artifact_key("members.parquet"))
    return frame.select("collection_id", "point_id", "document_id").rows()


def document_ids(documents: Documents) -> list[str]:
    return sorted(payload["document_id"] for payload in documents.payloads)


def test_only_the_documents_that_match_the_filters_take_part(world):
    documents = planted()
    filters = {
        "AND": [
            {"field": "subject", "operator": "in", "value": ["sea", "court"]},
            {"field": "year", "operator": "gte", "value": 2000},
            {"field": "text", "operator": "regex", "value": "^[a-z ]+$"},
        ],
        "NOT": [{"field": "year", "value": 2005}],
    }
    ran = world.run(world.define(world.collection(documents), TWO, filters=filters))
    wanted = [
        payload["document_id"]
        for payload in documents.payloads
        if payload["subject"] in {"sea", "court"}
        and payload["year"] >= 2000
        and payload["year"] != 2005
    ]
    assert sorted(document for _, _, document in members(world, ran)) == sorted(wanted)
    assert ran.execution.source_documents == len(wanted)


def test_an_execution_may_have_filters_of_its_own(world):
    definition = world.define(world.collection(planted()), TWO)
    override = ExecuteClusterByIdRequest(filters={"subject": "sea"})
    ran = world.execute(definition, request=override)
    assert (ran.execution.source_documents, ran.execution.num_points) == (110, 110)
    assert ran.cluster.spec == definition.spec


def test_what_the_fit_did_not_sample_is_clustered_all_the_same(world):
    definition = world.define(world.collection(planted(sizes=FEW)), TWO | {"sample_size": 20})
    execution = world.run(definition).execution
    assert {
        "source": execution.source_documents,
        "retrieved": execution.vectors_retrieved,
        "gap": execution.index_gap,
        "reasons": execution.input_reconciliation_reasons,
    } == {"source": 50, "retrieved": 50, "gap": 0, "reasons": []}


@pytest.mark.parametrize(
    "ids",
    [
        pytest.param(lambda number: number + 2**63, id="large-integers"),
        pytest.param(lambda number: str(uuid.UUID(int=number**9)), id="uuids"),
    ],
)
def test_a_document_without_an_id_goes_by_its_point_id(world, ids):
    documents = planted(sizes=FEW)
    documents = replace(
        documents,
        ids=[ids(number) for number in documents.ids],
        payloads=[{"text": payload["text"]} for payload in documents.payloads],
    )
    collection = world.collection(documents)
    ran = world.run(world.define(collection, TWO, enrich_source_collection=True))
    expected = sorted(map(str, documents.ids))
    assert members(world, ran) == [(collection.collection_id, one, one) for one in expected]
    assert all("cluster_id" in payload for payload in world.payloads(collection).values())


def test_a_document_may_have_a_whole_number_as_its_id(world):
    documents = planted(sizes=FEW)
    numbered = [
        payload | {"document_id": 1000 + number}
        for number, payload in enumerate(documents.payloads)
    ]
    ran = world.run(world.define(world.collection(replace(documents, payloads=numbered)), TWO))
    assert [document for _, _, document in members(world, ran)] == [
        str(1000 + number) for number in range(50)
    ]


def test_an_existing_qdrant_collection_is_registered_as_it_is(world):
    documents = planted(sizes=FEW)
    existing = world.collection(documents, vector_name="bge.small")
    request = RegisterCollectionRequest(
        collection_name=world.name("registered"),
        qdrant_collection=existing.qdrant_collection,
        vectors={FEATURE: "bge.small"},
    )
    registered = register_existing(world.pipeline, LOCAL, request)
    ran = world.run(world.define(registered, TWO))
    assert (ran.cluster.state.status, ran.execution.num_points) == ("COMPLETED", 50)
    clusters = world.pipeline.artifacts.read_frame(ran.execution.parquet_path)
    assert clusters["feature_name"].to_list() == ["embedding", "embedding"]


def test_two_collections_are_clustered_together(world):
    first = planted(sizes={"sea": 30, "court": 10})
    second = planted(sizes={"sea": 5, "court": 20}, seed=8)
    inputs = [world.collection(one) for one in (first, second)]
    ran = world.run(world.define(inputs, TWO, enrich_source_collection=True))
    assert [(one.cluster_id, one.num_members) for one in ran.execution.centroids] == [
        ("cl_0", 35),
        ("cl_1", 30),
    ]
    expected = [
        (collection.collection_id, document)
        for collection, documents in zip(inputs, (first, second), strict=True)
        for document in document_ids(documents)
    ]
    found = [(collection, document) for collection, _, document in members(world, ran)]
    assert found == sorted(expected)
    assert [
        {(one["subject"], one["cluster_id"]) for one in world.payloads(collection).values()}
        for collection in inputs
    ] == [{("sea", "cl_0"), ("court", "cl_1")}] * 2
