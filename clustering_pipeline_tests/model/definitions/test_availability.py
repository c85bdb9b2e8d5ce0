import pytest

from clustering_pipeline.model.definitions.create import check_available, check_trigger
from clustering_pipeline.model.errors import NotAvailableYet
from clustering_pipeline_tests.model.factories import URI, request, vectors

ATTRIBUTES = {"attributes": ["category"]}


def test_defaults_are_available():
    check_available(request())


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"vector_config": vectors(clustering_method="kmeans")}, id="kmeans"),
        pytest.param({"attribute_config": ATTRIBUTES}, id="unused-attributes"),
        pytest.param({"vector_config": vectors(face_cluster_merge={"enabled": False})}, id="off"),
        pytest.param({"vector_config": vectors(feature_uris=[URI])}, id="one-of-several"),
        pytest.param({"vector_config": vectors(vis_n_components=3)}, id="three-dimensions"),
        pytest.param({"vector_config": vectors(effective_feature_method="medoid")}, id="medoid"),
        pytest.param({"vector_config": vectors(output_strategy="per_feature")}, id="per-feature"),
        pytest.param(
            {"vector_config": vectors(multi_feature_strategy="independent")}, id="independent"
        ),
        pytest.param({"llm_labeling": {"enabled": True, "use_embedding_dedup": True}}, id="labels"),
        pytest.param({"llm_labeling": {"use_embedding_dedup": False}}, id="no-dedup"),
        pytest.param({"llm_labeling": {"cache_ttl_seconds": 0}}, id="no-cache"),
        pytest.param({"enrich_source_collection": True}, id="enrichment"),
    ],
)
def test_what_is_built_is_available(changes):
    check_available(request(**changes))


def test_a_composite_definition_waits_for_no_batch():
    composite = request(source_cluster_ids=["other"], auto_execute_on_batch=True)
    with pytest.raises(NotAvailableYet) as refused:
        check_available(composite)
    assert refused.value.message == (
        "auto_execute_on_batch is not available yet for a composite definition, whose sources have "
        "to run first: leave it out, and give it a trigger of type cron or interval"
    )
    check_available(request(source_cluster_ids=["other"]))


SUPERVISED = [{"method": "umap", "target": "year"}]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(
            {"vector_config": vectors(preprocessing_steps=SUPERVISED)}
            | {"source_cluster_ids": ["other"]},
            id="composite",
        ),
        pytest.param(
            {
                "vector_config": vectors(
                    preprocessing_steps=SUPERVISED, multi_feature_strategy="weighted"
                )
            },
            id="weighted",
        ),
    ],
)
def test_a_target_has_no_values_of_centroids_and_samples(changes):
    with pytest.raises(NotAvailableYet, match="umap step with target 'year' is not available yet"):
        check_available(request(**changes))
    check_available(request(vector_config=vectors(preprocessing_steps=SUPERVISED)))


@pytest.mark.parametrize("kind", ["cron", "interval", "event", "conditional"])
def test_a_composite_definition_is_triggered_by_the_clock_alone(kind):
    check_trigger(request(), kind)
    if kind in {"cron", "interval"}:
        check_trigger(request(source_cluster_ids=["other"]), kind)
    else:
        with pytest.raises(NotAvailableYet, match=f"type '{kind}' is not available yet"):
            check_trigger(request(source_cluster_ids=["other"]), kind)
