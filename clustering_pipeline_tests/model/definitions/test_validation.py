import pytest

from clustering_pipeline.model.definitions.create import CreateClusterRequest
from clustering_pipeline.model.definitions.execute import ExecuteClusterByIdRequest
from clustering_pipeline.model.definitions.patch import PatchClusterRequest
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.errors import InvalidDefinition, InvalidFilter, InvalidParameters
from clustering_pipeline.model.listing import ListClustersRequest
from clustering_pipeline_tests.model.factories import definition, vectors


@pytest.mark.parametrize(
    ("payload", "error", "message"),
    [
        pytest.param([], InvalidDefinition, "the request must be an object", id="no-object"),
        pytest.param(None, InvalidDefinition, "the request must be an object", id="null"),
        pytest.param(
            {},
            InvalidDefinition,
            "collection_ids is required: name at least one collection to cluster",
            id="empty",
        ),
        pytest.param(
            definition(collection_ids=[]),
            InvalidDefinition,
            "collection_ids: List should have at least 1 item after validation, not 0",
            id="no-collection",
        ),
        pytest.param(
            definition(vector_config=None),
            InvalidDefinition,
            "vector_config is required when cluster_type is 'vector'",
            id="no-vector-config",
        ),
        pytest.param(
            definition(cluster_type="attribute"),
            InvalidDefinition,
            "attribute_config is required when cluster_type is 'attribute'",
            id="no-attribute-config",
        ),
        pytest.param(
            definition(vector_config={"feature_uri": "mixpeek://a@v1/b"}),
            InvalidDefinition,
            "vector_config.clustering_method: is required",
            id="no-method",
        ),
        pytest.param(
            definition(vector_config=vectors(hierarchical=True, algorithm_params={"layers": True})),
            InvalidDefinition,
            "vector_config: algorithm_params.layers makes the groups within groups: leave out "
            "hierarchical and face_cluster_merge, or layers",
            id="layers-and-division",
        ),
        *(
            pytest.param(
                definition(vector_config=vectors(**{name: value})),
                InvalidDefinition,
                f"vector_config.{name}: should be {bound}",
                id=f"{name}-{value}",
            )
            for name, value, bound in (
                ("target_noise", 1, "less than 1"),
                ("target_noise", -0.1, "greater than or equal to 0"),
                ("target_noise", float("nan"), "a finite number"),
                ("groups_wanted", 0, "greater than or equal to 1"),
            )
        ),
        pytest.param(
            definition(vector_config=vectors(groups_wanted=9, algorithm_params={"layers": True})),
            InvalidDefinition,
            "vector_config: groups_wanted asks for one level of groups, and "
            "algorithm_params.layers for more",
            id="wanted-groups-and-layers",
        ),
        pytest.param(
            definition(enrich_source_collection="yes"),
            InvalidDefinition,
            "enrich_source_collection: should be a valid boolean",
            id="no-coercion-of-text",
        ),
        pytest.param(
            definition(auto_execute_cooldown_seconds=True),
            InvalidDefinition,
            "auto_execute_cooldown_seconds: should be a valid integer",
            id="no-coercion-of-booleans",
        ),
        pytest.param(
            definition(auto_execute_mode="sometimes"),
            InvalidDefinition,
            "auto_execute_mode: should be 'full', 'assign' or 'auto'",
            id="unknown-mode",
        ),
        pytest.param(
            definition(auto_execute_full_run={"novelty_share": -0.1}),
            InvalidDefinition,
            "auto_execute_full_run.novelty_share: should be greater than or equal to 0",
            id="negative-threshold",
        ),
        pytest.param(
            definition(auto_execute_full_run={"drift": float("nan")}),
            InvalidDefinition,
            "auto_execute_full_run.drift: should be a finite number",
            id="threshold-of-nan",
        ),
        pytest.param(
            definition(auto_execute_mode="auto", source_cluster_ids=["other"]),
            InvalidDefinition,
            "auto_execute_mode 'auto' assigns documents, and a composite definition groups the "
            "groups of its sources: give it to them, and use 'full' here",
            id="composite-that-assigns",
        ),
        pytest.param(
            definition(
                auto_execute_mode="assign",
                cluster_type="attribute",
                attribute_config={"attributes": ["kind"]},
            ),
            InvalidDefinition,
            "auto_execute_mode 'assign' compares vectors, and attributes make the groups: use "
            "'full'",
            id="attributes-that-assign",
        ),
        pytest.param(
            definition(description="\ud800"),
            InvalidDefinition,
            "description holds half a surrogate pair, which is not valid Unicode",
            id="surrogate",
        ),
        pytest.param(
            definition(collection_ids=["\ud800"]),
            InvalidDefinition,
            "collection_ids holds half a surrogate pair, which is not valid Unicode",
            id="surrogate-in-list",
        ),
        pytest.param(
            definition(metadata={"a": float("nan")}),
            InvalidDefinition,
            "metadata: holds nan; numbers must be finite",
            id="nan",
        ),
        pytest.param(
            definition(vector_config=vectors(algorithm_params={"min_cluster_size": 1})),
            InvalidParameters,
            "vector_config.algorithm_params.min_cluster_size: should be greater than or equal to 2",
            id="parameter-out-of-bounds",
        ),
        pytest.param(
            definition(vector_config=vectors(preprocessing_steps=[{"n_components": 2}])),
            InvalidParameters,
            "vector_config.preprocessing_steps.0: needs a method, one of umap, pca, whitening, "
            "tsne, none",
            id="step-without-method",
        ),
        pytest.param(
            definition(
                vector_config=vectors(preprocessing_steps=[{"method": "umap", "n_components": 1}])
            ),
            InvalidParameters,
            "vector_config.preprocessing_steps.0.n_components: should be greater than or equal "
            "to 2",
            id="step-out-of-bounds",
        ),
        pytest.param(
            definition(filters={"AND": [None]}),
            InvalidFilter,
            "filters: a filter item is a condition or a group, not null",
            id="filter",
        ),
    ],
)
def test_a_bad_definition_is_refused_in_one_sentence(payload, error, message):
    with pytest.raises(error) as refused:
        validate(CreateClusterRequest, payload)
    assert refused.value.message == message


def test_all_problems_are_listed():
    with pytest.raises(InvalidDefinition) as refused:
        validate(CreateClusterRequest, definition(cluster_type="graph", description=7))
    assert refused.value.message == "description: should be a valid string (and 1 more)"
    assert refused.value.details["validation_errors"] == [
        {"type": "string_type", "location": ["description"], "message": "should be a valid string"},
        {
            "type": "literal_error",
            "location": ["cluster_type"],
            "message": "should be 'vector' or 'attribute'",
        },
    ]


@pytest.mark.parametrize(
    ("model", "payload", "start"),
    [
        pytest.param(
            CreateClusterRequest,
            definition(name="x"),
            "the request takes no 'name'; it takes: collection_ids, source_cluster_ids, ",
            id="create",
        ),
        pytest.param(
            CreateClusterRequest,
            definition(vector_config=vectors(algorithm="kmeans", k=3)),
            "vector_config: takes no 'algorithm', 'k'; it takes: feature_uri, feature_uris, ",
            id="vector-config",
        ),
        pytest.param(
            PatchClusterRequest,
            {"status": "COMPLETED"},
            "the request takes no 'status'; it takes: cluster_name, description, metadata, ",
            id="patch-computed",
        ),
        pytest.param(
            PatchClusterRequest,
            {"collection_ids": ["x"]},
            "the request takes no 'collection_ids'; it takes: cluster_name, ",
            id="patch-immutable",
        ),
        pytest.param(
            ExecuteClusterByIdRequest,
            {"algorithm_params": {}},
            "the request takes no 'algorithm_params'; it takes: mode, source_execution_ids, ",
            id="execute",
        ),
        pytest.param(
            ListClustersRequest,
            {"query": "x"},
            "the request takes no 'query'; it takes: filters, sort, sorts, search, limit, ",
            id="list",
        ),
    ],
)
def test_unknown_keys_are_refused_with_those_there_are(model, payload, start):
    with pytest.raises(InvalidDefinition) as refused:
        validate(model, payload)
    assert refused.value.message.startswith(start)


@pytest.mark.parametrize("part", ["vector_config", "attribute_config", "llm_labeling"])
def test_descriptions_are_kept_where_clients_send_them(part):
    parts = {
        "vector_config": vectors(description="why"),
        "attribute_config": {"attributes": ["category"], "description": "why"},
        "llm_labeling": {"enabled": True, "description": "why"},
    }
    kept = validate(CreateClusterRequest, definition(**{part: parts[part]}))
    assert getattr(kept, part).description == "why"


def test_null_stands_for_the_default():
    given = definition(
        metadata=None, enrich_source_collection=None, auto_execute_cooldown_seconds=None
    )
    assert validate(CreateClusterRequest, given) == validate(CreateClusterRequest, definition())


def test_null_is_kept_where_it_is_a_value():
    params = {"random_state": None}
    kept = validate(
        CreateClusterRequest,
        definition(vector_config=vectors(clustering_method="kmeans", algorithm_params=params)),
    )
    assert kept.vector_config.given_params == {"random_state": None}


def test_an_empty_body_is_no_option():
    assert validate(ExecuteClusterByIdRequest, {}) == ExecuteClusterByIdRequest()
    assert validate(ListClustersRequest, {}) == ListClustersRequest()
