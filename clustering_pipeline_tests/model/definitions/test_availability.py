import pytest

from clustering_pipeline.model.definitions.create import check_available
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
