"""Inputs with little in them: the run completes, says what is odd, and counts everything."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline_tests.worlds.planted import Documents, planted
from clustering_pipeline_tests.worlds.world import FEATURE, KMEANS, Done, World

HDBSCAN = {"clustering_method": "hdbscan", "algorithm_params": {"min_cluster_size": 10}}
UMAP = [{"method": "umap", "n_components": 3, "n_neighbors": 10}]


def first(count: int) -> Documents:
    return planted(sizes={"sea": count})


def equal(count: int) -> Documents:
    documents = first(count)
    documents.vectors[:] = documents.vectors[0]
    return documents


def scattered(count: int) -> Documents:
    """Documents in directions of their own, all at right angles."""
    documents = planted(sizes={"sea": count}, dimensions=count)
    documents.vectors[:] = np.eye(count)
    return documents


@dataclass(frozen=True, kw_only=True)
class Case:
    documents: Documents
    config: dict
    groups: list[int]
    noise: int
    degenerate: str | bool


CASES = [
    pytest.param(
        Case(documents=first(1), config=KMEANS, groups=[1], noise=0, degenerate="single_cluster"),
        id="one-document",
    ),
    pytest.param(
        Case(
            documents=first(1),
            config=HDBSCAN | {"preprocessing_steps": UMAP},
            groups=[1],
            noise=0,
            degenerate="single_cluster",
        ),
        id="one-document-reduced",
    ),
    pytest.param(
        Case(
            documents=first(2), config=KMEANS, groups=[1, 1], noise=0, degenerate="all_singletons"
        ),
        id="two-documents",
    ),
    pytest.param(
        Case(documents=equal(40), config=KMEANS, groups=[40], noise=0, degenerate="single_cluster"),
        id="all-equal",
    ),
    pytest.param(
        Case(
            documents=equal(40),
            config=HDBSCAN | {"preprocessing_steps": UMAP},
            groups=[],
            noise=40,
            degenerate="all_noise",
        ),
        id="all-equal-by-density",
    ),
    pytest.param(
        Case(
            documents=first(7),
            config=HDBSCAN | {"preprocessing_steps": UMAP},
            groups=[],
            noise=7,
            degenerate="all_noise",
        ),
        id="fewer-than-min-cluster-size",
    ),
    pytest.param(
        Case(documents=scattered(16), config=HDBSCAN, groups=[], noise=16, degenerate="all_noise"),
        id="all-noise",
    ),
]


def define(world: World, documents: Documents, config: dict) -> ClusterRecord:
    return world.define(world.collection(documents), config)


def counts(ran: Done) -> dict:
    execution, state = ran.execution, ran.cluster.state
    return {
        "status": state.status,
        "groups": [one.num_members for one in execution.centroids],
        "published": (state.num_clusters, state.num_documents_clustered),
        "noise": (state.cluster_stats.noise_points, execution.pipeline_drop),
        "degenerate": state.quality_metrics["degenerate"],
    }


@pytest.mark.parametrize("case", CASES)
def test_a_run_completes_and_says_what_is_odd(world, case):
    ran = world.execute(define(world, case.documents, case.config))
    assert ran.result.success
    assert counts(ran) == {
        "status": "COMPLETED",
        "groups": case.groups,
        "published": (len(case.groups), len(case.documents)),
        "noise": (case.noise, case.noise),
        "degenerate": case.degenerate,
    }
    detail = ran.execution.metrics.degenerate_detail
    assert str(len(case.documents)) in detail
    assert ran.metadata("cluster_summaries")["degenerate"] == case.degenerate


TWO = KMEANS | {"algorithm_params": {"n_clusters": 2}, "normalize_features": False}


@pytest.mark.parametrize("dimensions", [1, 4_096])
def test_any_number_of_dimensions_is_clustered(world, dimensions):
    documents = planted(sizes={"sea": 20, "court": 12}, dimensions=max(dimensions, 4), spread=0.001)
    documents = replace(documents, vectors=documents.vectors[:, :dimensions])
    collection = world.collection(documents, distance="Euclid")
    ran = world.run(world.define(collection, TWO))
    assert counts(ran)["groups"] == [20, 12]


@pytest.mark.parametrize("method", ["auto", "leiden", "optics", "spectral", "gaussian_mixture"])
def test_two_documents_are_enough_for_any_method(world, method):
    ran = world.run(define(world, first(2), {"clustering_method": method}))
    assert ran.execution.num_points == 2
    assert ran.execution.metrics.degenerate


def test_one_document_with_two_features_is_a_group_of_each(world):
    name, store = world.name("two"), world.pipeline.documents
    store.create_collection(name, {"embedding": 4, "picture": 3})
    vectors = {"embedding": np.ones((1, 4), np.float32), "picture": np.ones((1, 3), np.float32)}
    store.upsert(name, [1], vectors, [{"document_id": "doc"}])
    both = {"feature_uri": None, "feature_uris": [FEATURE, "mixpeek://image@v1/picture"]}
    config = HDBSCAN | both | {"multi_feature_strategy": "independent"}
    ran = world.run(world.define(world.registered(name), config))
    assert (ran.execution.num_points, ran.execution.num_clusters) == (1, 2)
    assert ran.execution.metrics.degenerate == "single_cluster"
    (relation,) = ran.execution.hierarchy_relationships
    assert (relation["parent_feature"], relation["overlap"]) == ("embedding", 1.0)


def test_metrics_without_meaning_are_null(world):
    metrics = world.run(define(world, first(1), KMEANS)).execution.metrics
    assert (
        metrics.silhouette_score,
        metrics.davies_bouldin_index,
        metrics.calinski_harabasz_score,
    ) == (None, None, None)


def test_all_noise_is_still_in_every_table(world):
    ran = world.run(define(world, scattered(16), HDBSCAN))
    read = world.pipeline.artifacts.read_frame
    members = read(ran.execution.members_key)
    assert members["cluster_id"].to_list() == [NOISE_ID] * 16
    assert read(ran.execution.parquet_path).height == 0
    (alias,) = ran.cluster.state.output_collection_ids
    pages = world.pipeline.documents.scroll(alias)
    assert [
        (point.payload["is_centroid"], point.payload["cluster_id"])
        for page in pages
        for point in page
    ] == [(False, NOISE_ID)] * 16


def test_vectors_of_zeros_are_noise_under_cosine(world):
    documents = planted(sizes={"sea": 30, "court": 20})
    documents.vectors[:4] = 0
    cosine = {"min_cluster_size": 8, "metric": "cosine"}
    collection = world.collection(documents)
    config = HDBSCAN | {"algorithm_params": cosine}
    definition = world.define(collection, config, enrich_source_collection=True)
    ran = world.run(definition)
    payloads = world.payloads(collection)
    assert {payloads[str(one)]["cluster_id"] for one in documents.ids[:4]} == {NOISE_ID}
    assert (ran.execution.num_clusters, ran.execution.num_points) == (2, 50)
    assert ran.execution.input_reconciliation_ok


def test_documents_without_the_vector_are_counted(world):
    collection = world.collection(planted(sizes={"sea": 30, "court": 20}))
    without = replace(planted(sizes={"space": 6}), ids=list(range(900, 906)))
    world.add(collection.qdrant_collection, without, vector_name=None)
    config = KMEANS | {"algorithm_params": {"n_clusters": 2}}
    ran = world.execute(world.define(collection, config, enrich_source_collection=True))
    execution = ran.execution
    assert {
        "status": ran.cluster.state.status,
        "source": execution.source_documents,
        "retrieved": execution.vectors_retrieved,
        "clustered": execution.vectors_clustered,
        "gap": execution.index_gap,
        "drop": execution.pipeline_drop,
        "ok": execution.input_reconciliation_ok,
        "reasons": execution.input_reconciliation_reasons,
    } == {
        "status": "COMPLETED",
        "source": 56,
        "retrieved": 50,
        "clustered": 50,
        "gap": 6,
        "drop": 0,
        "ok": False,
        "reasons": ["6 of 56 selected documents: no vector of the feature"],
    }
    assert ran.metadata("embeddings")["missing_vector"] == 6
    payloads = world.payloads(collection)
    assert [payloads[str(one)] for one in without.ids] == without.payloads
