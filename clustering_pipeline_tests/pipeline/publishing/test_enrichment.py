"""Results written onto the source documents, for readers who ask Qdrant and nobody else."""

from dataclasses import dataclass

import pytest

from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.executions.execution import WriteBack
from clustering_pipeline.model.ids import NOISE_ID, run_mark
from clustering_pipeline_tests.worlds.planted import Documents, planted
from clustering_pipeline_tests.worlds.world import KMEANS, Ran, World

DENSITY = {
    "clustering_method": "hdbscan",
    "algorithm_params": {"min_cluster_size": 15, "min_samples": 5},
}
UMAP = [{"method": "umap", "n_components": 4, "n_neighbors": 10}]
MAPPED = {
    "cluster_id": "topic_id",
    "cluster_label": "topic",
    "distance_to_centroid": "topic_distance",
    "probability": "topic_probability",
    "member_count": "topic_size",
    "keywords": "topic_keywords",
    "x": "topic_x",
}
STRAYS = 20


@dataclass(frozen=True, kw_only=True)
class Enriched:
    documents: Documents
    collection: CollectionRecord
    ran: Ran
    payloads: dict[str, dict]

    def of(self, subject: str) -> list[dict]:
        return [one for one in self.payloads.values() if one["subject"] == subject]


def enrich(world: World, documents: Documents, config: dict, **fields) -> Enriched:
    collection = world.collection(documents)
    definition = world.define(collection, config, enrich_source_collection=True, **fields)
    ran = world.execute(definition)
    return Enriched(
        documents=documents, collection=collection, ran=ran, payloads=world.payloads(collection)
    )


@pytest.fixture(scope="module")
def mapped(world: World) -> Enriched:
    """HDBSCAN on the vectors as they are, which leaves the strays as noise."""
    mappings = [{"source_field": one, "target_field": MAPPED[one]} for one in MAPPED]
    config = {"field_mappings": mappings}
    documents = planted(strays=STRAYS)
    return enrich(world, documents, DENSITY, source_enrichment_config=config)


def test_every_document_gets_the_mapped_fields_and_the_mark_of_its_run(mapped):
    mark = run_mark(mapped.ran.cluster.cluster_id)
    given = mapped.documents.payloads[0].keys()
    grouped = [one for one in mapped.payloads.values() if one["topic_id"] != NOISE_ID]
    assert {frozenset(one.keys() - given) for one in grouped} == {
        frozenset({*MAPPED.values(), mark})
    }
    assert {payload[mark] for payload in mapped.payloads.values()} == {mapped.ran.run_id}


def test_fields_hold_what_the_run_found(mapped):
    sea = mapped.of("sea")
    (first,) = {one["topic_id"] for one in sea if one["topic_id"] != NOISE_ID}
    group = next(one for one in mapped.ran.execution.centroids if one.cluster_id == first)
    grouped = [one for one in sea if one["topic_id"] == first]
    assert len(grouped) > 90
    assert {one["topic"] for one in grouped} == {group.label}
    assert {one["topic_size"] for one in grouped} == {group.num_members}
    assert {tuple(one["topic_keywords"]) for one in grouped} == {tuple(group.keywords)}
    assert all(0 < one["topic_distance"] < 1 for one in grouped)
    assert all(0 < one["topic_probability"] <= 1 for one in grouped)


def test_noise_documents_say_so(mapped):
    strays = mapped.of("stray")
    noise = [one for one in mapped.payloads.values() if one["topic_id"] == NOISE_ID]
    assert {one["topic_id"] for one in strays} == {NOISE_ID}
    assert {one["topic"] for one in noise} == {"Noise"}
    assert {one["topic_size"] for one in noise} == {len(noise)}
    # Qdrant takes null for the removal of a field.
    assert [one for one in noise if {"topic_distance", "topic_keywords"} & one.keys()] == []


def test_noise_is_no_group_and_is_counted(mapped):
    noise = sum(one["topic_id"] == NOISE_ID for one in mapped.payloads.values())
    execution, state = mapped.ran.execution, mapped.ran.cluster.state
    assert NOISE_ID not in {one.cluster_id for one in execution.centroids}
    assert (execution.num_clusters, execution.num_points) == (4, 320)
    assert (execution.vectors_clustered, execution.pipeline_drop) == (320 - noise, noise)
    assert (execution.pipeline_drop_expected_as_noise, execution.input_reconciliation_ok) == (
        True,
        True,
    )
    assert state.cluster_stats.noise_points == noise
    assert state.quality_metrics["noise_ratio"] == pytest.approx(noise / 320)


def test_the_record_says_that_the_write_back_is_complete(mapped):
    fields = mapped.ran.cluster.spec.source_enrichment_config.field_mappings
    assert mapped.ran.execution.write_back == WriteBack(
        status="completed", written=320, fields=tuple(one.target_field for one in fields)
    )
    assert [stage.name for stage in mapped.ran.execution.stages][-2:] == [
        "published",
        "enriched_documents",
    ]
    assert mapped.ran.cluster.state.status == "COMPLETED"
    shown = mapped.ran.metadata("enriched_documents")
    assert (shown["documents"], shown["written"]) == (320, 320)


def test_an_enriching_definition_makes_no_output_collection(mapped, world):
    assert mapped.ran.cluster.state.output_collection_ids == []
    assert mapped.ran.execution.output_collections == {}


TWO_GROUPS = KMEANS | {"algorithm_params": {"n_clusters": 2}}


def test_without_mappings_there_are_three_fields(world):
    enriched = enrich(world, planted(sizes={"sea": 20, "court": 20}), TWO_GROUPS)
    mark = run_mark(enriched.ran.cluster.cluster_id)
    original = enriched.documents.payloads[0].keys()
    assert {frozenset(one.keys() - original) for one in enriched.payloads.values()} == {
        frozenset({"cluster_id", "cluster_label", "distance_to_centroid", mark})
    }


def test_the_next_run_writes_what_differs_and_does_not_label_by_its_own_labels(world):
    documents = planted(sizes={"sea": 20, "court": 20})
    first = enrich(world, documents, TWO_GROUPS)
    second = world.execute(first.ran.cluster)
    assert world.payloads(first.collection) == first.payloads
    done = second.execution.write_back
    assert (done.status, done.written, done.unchanged, done.removed) == ("completed", 0, 40, 0)
    labels = [[one.label for one in ran.execution.centroids] for ran in (first.ran, second)]
    assert labels[1] == labels[0]


def test_umap_then_hdbscan_finds_the_planted_groups(world):
    enriched = enrich(world, planted(), DENSITY | {"preprocessing_steps": UMAP})
    subjects = {
        (one["cluster_id"], one["subject"])
        for one in enriched.payloads.values()
        if one["cluster_id"] != NOISE_ID
    }
    assert sorted(subjects) == [
        ("cl_0", "sea"),
        ("cl_1", "kitchen"),
        ("cl_2", "space"),
        ("cl_3", "court"),
    ]
    reduced = enriched.ran.metadata("reduced_embeddings")
    assert (reduced["dimensions_in"], reduced["dimensions"]) == (16, 4)
    assert reduced["steps"][0]["method"] == "umap"
