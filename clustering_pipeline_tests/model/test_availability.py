import pytest

from clustering_pipeline.model.availability import DEFINITION, EXECUTION, check_available
from clustering_pipeline.model.definition import ExecuteClusterByIdRequest
from clustering_pipeline.model.errors import NotAvailableYet
from clustering_pipeline.model.validation import validate
from clustering_pipeline_tests.model.factories import URI, request, vectors

ATTRIBUTES = {"attributes": ["category"]}


def test_defaults_are_available():
    check_available(request())
    check_available(ExecuteClusterByIdRequest())


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


@pytest.mark.parametrize("limit", [*DEFINITION, *EXECUTION], ids=lambda limit: limit.path)
def test_every_limit_is_about_a_field_there_is(limit):
    given = request(
        vector_config=vectors(face_cluster_merge={}),
        source_enrichment_config={},
        llm_labeling={"labeling_inputs": {"input_mappings": [{"input_key": "t", "path": "text"}]}},
    )
    value = given if limit in DEFINITION else ExecuteClusterByIdRequest()
    for part in limit.path.split("."):
        value = getattr(value, part.removesuffix("[]"))
        value = value[0] if part.endswith("[]") else value


def test_the_message_names_field_value_and_way_out():
    with pytest.raises(NotAvailableYet) as refused:
        check_available(validate(ExecuteClusterByIdRequest, {"mode": "composite"}))
    assert refused.value.message == (
        "mode 'composite' is not available yet: use 'full' or 'assign'"
    )


def test_overrides_are_held_to_it_too():
    with pytest.raises(NotAvailableYet, match="mode 'composite' is not available yet"):
        check_available(validate(ExecuteClusterByIdRequest, {"mode": "composite"}))
