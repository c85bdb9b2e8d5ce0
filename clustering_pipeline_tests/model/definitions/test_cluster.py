import pytest

from clustering_pipeline.model.errors import PUBLIC_CATEGORIES, public_category
from clustering_pipeline_tests.model.factories import NOON, URI, cluster, request, vectors

ALWAYS_PRESENT = {
    "organization_id",
    "description",
    "sample_size",
    "preprocessing_steps",
    "face_cluster_merge",
    "hierarchical_vector",
    "max_hierarchy_depth",
    "quality_metrics",
    "error",
    "failure_category",
    "last_run_id",
    "auto_execute_on_batch",
    "auto_execute_min_documents",
    "auto_execute_cooldown_seconds",
}


def test_the_flat_view_names_things_its_own_way():
    config = vectors(
        algorithm_params={"min_cluster_size": 10},
        sample_size=1000,
        hierarchical=True,
        preprocessing_steps=[{"method": "whitening"}],
    )
    record = cluster(
        request(cluster_name="topics", vector_config=config, enrich_source_collection=True),
        task_id="task_1",
        last_run_id="run_1",
        num_clusters=3,
        output_collection_ids=["col_1"],
    )
    view = record.metadata().model_dump(mode="json")
    assert view.keys() >= ALWAYS_PRESENT
    assert {name: view[name] for name in _FLAT} == _FLAT


_FLAT = {
    "cluster_id": "clust_1",
    "cluster_name": "topics",
    "organization_id": "int_local",
    "namespace_id": "ns_default",
    "input_collections": ["speeches"],
    "cluster_type": "vector",
    "algorithm": "hdbscan",
    "algorithm_params": {"min_cluster_size": 10},
    "feature_uris": [URI],
    "sample_size": 1000,
    "preprocessing_steps": [{"method": "whitening", "regularization": 1e-5}],
    "hierarchical_vector": True,
    "multi_feature_strategy": "concatenate",
    "clustered_attributes": None,
    "enrich_source": True,
    "num_clusters": 3,
    "last_execution_task_id": "task_1",
    "last_run_id": "run_1",
    "status": "PENDING",
    "output_collection_ids": ["col_1"],
    "created_at": "2026-11-21T12:00:00.000Z",
    "metadata": {},
}


def test_the_flat_view_of_attributes():
    record = cluster(
        request(
            cluster_name="topics",
            cluster_type="attribute",
            attribute_config={"attributes": ["category", "brand"], "hierarchical_grouping": True},
        )
    )
    view = record.metadata()
    assert view.algorithm == "attribute_based"
    assert view.clustered_attributes == ["category", "brand"]
    assert view.hierarchical_grouping is True
    assert (view.feature_uris, view.sample_size, view.algorithm_params) == (None, None, None)


def test_the_nested_view_keeps_what_was_written():
    written = request(cluster_name="topics", description="why", filters={"lang": "en"})
    view = cluster(written, task_id="task_1", parquet_path="a/b").model()
    assert view.vector_config == written.vector_config
    assert view.filters == {"lang": "en"}
    assert view.collection_ids == ["speeches"]
    assert (view.cluster_id, view.task_id, view.parquet_path) == ("clust_1", "task_1", "a/b")
    assert view.created_at == NOON


@pytest.mark.parametrize(
    ("ours", "public"),
    [
        (None, None),
        ("interrupted", "orphaned"),
        ("store_unavailable", "infrastructure"),
        ("input_rejected", "validation"),
        ("internal", "pipeline"),
        ("something new", "unknown"),
    ],
)
def test_clients_read_a_category_that_they_know(ours, public):
    assert cluster(failure_category=ours).metadata().failure_category == public
    assert public is None or public in PUBLIC_CATEGORIES
    assert public_category(ours) == public
