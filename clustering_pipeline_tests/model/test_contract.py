import pytest

from clustering_pipeline.model.status import ClusterStatus
from clustering_pipeline.model.validation import validate
from clustering_pipeline_tests.model.contract import (
    ALGORITHMS,
    BOUND_NAMES,
    FREE,
    ONE_SHOT,
    ONE_SHOT_VIEWS,
    REQUESTS,
    VIEWS,
    contract,
    json_types,
    one_shot_contract,
    ours,
)

PROMPT = "more would not fit a prompt, and stored definitions take no more either"
FAILED = "only failures make a trigger failed"
DEFINED = "the definition says how; these settings are shown, and none are needed"
SORTED = "records have no other order"
NOTHING = "no run is nothing to apply"
EMPTY = "an empty text would name nothing"
LENGTH = "a text of any length would be an attack"
SEED = "scikit-learn and NumPy take seeds of 32 bits"
SCIKIT = "scikit-learn takes nothing else, and would only say so in the middle of a run"
ENGINE = "the engine has no other, and would only say so in the middle of a run"
CLIENT = "the published client sends nothing else"
MEANING = "a value beyond has no meaning"
PAGE = "the contract's page, which comes first, says so"
STEP = "without its method a step cannot be told from another"

LAYOUTS = ("VectorBasedConfigInput", "PatchClusterRequest", "ExecuteClusterByIdRequest")
SEEDED = (
    "EVoCParams",
    "GaussianMixtureParams",
    "KMeansParams",
    "LeidenParams",
    "SpectralParams",
    "TSNEParams",
    "UMAPParams",
    "WeightLearningConfig",
)

# (model, field, aspect): why ours differs from the contract's files.
DIFFERENCES = {
    ("AgglomerativeParams", "affinity", "closed"): SCIKIT,
    ("AgglomerativeParams", "compute_full_tree", "closed"): SCIKIT,
    ("AgglomerativeParams", "linkage", "closed"): SCIKIT,
    ("ApplyClusterEnrichmentRequest", "clustering_ids", "min_length"): NOTHING,
    ("ApplyClusterEnrichmentRequest", "source_collection_id", "max_length"): LENGTH,
    ("ApplyClusterEnrichmentRequest", "source_collection_id", "min_length"): EMPTY,
    ("ApplyClusterEnrichmentRequest", "target_collection_id", "max_length"): LENGTH,
    ("ApplyClusterEnrichmentRequest", "target_collection_id", "min_length"): EMPTY,
    ("AttributeBasedConfig", "aggregation_method", "closed"): PAGE,
    ("CreateClusterRequest", "auto_execute_cooldown_seconds", "ge"): MEANING,
    ("CreateClusterRequest", "auto_execute_min_documents", "ge"): MEANING,
    ("CreateTriggerRequest", "cluster_id", "max_length"): LENGTH,
    ("CreateTriggerRequest", "description", "max_length"): LENGTH,
    ("CreateTriggerRequest", "status", "enum"): FAILED,
    ("DBSCANParams", "algorithm", "closed"): SCIKIT,
    ("DBSCANParams", "metric", "closed"): SCIKIT,
    ("EnrichmentFieldMapping", "target_field", "max_length"): LENGTH,
    ("ExecuteClusterByIdRequest", "mode", "closed"): PAGE,
    ("FaceClusterMergeConfig", "bbox_field", "min_length"): EMPTY,
    ("FaceClusterMergeConfig", "frame_field", "min_length"): EMPTY,
    ("FaceClusterMergeConfig", "scene_field", "min_length"): EMPTY,
    ("GaussianMixtureParams", "covariance_type", "closed"): SCIKIT,
    ("GaussianMixtureParams", "init_params", "closed"): SCIKIT,
    ("HDBSCANParams", "cluster_selection_method", "closed"): ENGINE,
    ("HDBSCANParams", "metric", "closed"): ENGINE,
    ("InputMapping", "input_key", "min_length"): EMPTY,
    ("InputMapping", "path", "min_length"): EMPTY,
    ("KMeansParams", "algorithm", "closed"): SCIKIT,
    ("KMeansParams", "init", "closed"): SCIKIT,
    ("LLMLabelingInput", "custom_prompt", "min_length"): EMPTY,
    ("LLMLabelingInput", "embedding_similarity_threshold", "ge"): PAGE,
    ("LLMLabelingInput", "model_name", "max_length"): LENGTH,
    ("LLMLabelingInput", "model_name", "min_length"): EMPTY,
    ("LLMLabelingInput", "sample_selection_strategy", "closed"): PAGE,
    ("LeidenParams", "metric", "closed"): ENGINE,
    ("LeidenParams", "n_iterations", "ge"): MEANING,
    ("LeidenParams", "objective_function", "closed"): CLIENT,
    ("LeidenParams", "resolution", "gt"): MEANING,
    ("ListClusterExecutionsRequest", "search", "max_length"): LENGTH,
    ("ListClustersRequest", "search", "max_length"): LENGTH,
    ("ListTriggersRequest", "direction", "closed"): SORTED,
    ("ListTriggersRequest", "offset", "le"): PAGE,
    ("ListTriggersRequest", "sort_by", "closed"): SORTED,
    ("OPTICSParams", "algorithm", "closed"): SCIKIT,
    ("OPTICSParams", "cluster_method", "closed"): SCIKIT,
    ("OPTICSParams", "metric", "closed"): SCIKIT,
    ("OPTICSParams", "min_cluster_size", "gt"): MEANING,
    ("SortOption", "field", "max_length"): LENGTH,
    ("SortOption", "field", "min_length"): EMPTY,
    ("SpectralParams", "affinity", "closed"): SCIKIT,
    ("SpectralParams", "assign_labels", "closed"): SCIKIT,
    ("SpectralParams", "eigen_solver", "closed"): SCIKIT,
    ("TSNEParams", "learning_rate", "gt"): MEANING,
    ("TSNEParams", "perplexity", "gt"): MEANING,
    ("TriggerExecutionConfig", "config", "required"): DEFINED,
    ("TriggerHistoryRequest", "offset", "le"): PAGE,
    ("UMAPParams", "metric", "closed"): ENGINE,
    ("UpdateTriggerRequest", "description", "max_length"): LENGTH,
    ("UpdateTriggerRequest", "status", "enum"): FAILED,
    ("VectorBasedConfigInput", "feature_extractor_name", "min_length"): EMPTY,
    ("VectorBasedConfigInput", "feature_uri", "min_length"): EMPTY,
    ("VectorBasedConfigInput", "output_name", "min_length"): EMPTY,
    ("VectorBasedConfigInput", "version", "min_length"): EMPTY,
    **{(model, "random_state", bound): SEED for model in SEEDED for bound in ("ge", "le")},
    **{(model, "layout_stability", "closed"): PAGE for model in LAYOUTS},
    **{(model, "sample_size", "ge"): MEANING for model in LAYOUTS},
    ("VectorBasedConfigInput", "vis_n_components", "closed"): CLIENT,
    ("ExecuteClusterByIdRequest", "vis_n_components", "closed"): CLIENT,
    **{
        (model, "method", aspect): STEP
        for model in ("TSNEParams", "UMAPParams", "WhiteningParams")
        for aspect in ("required", "default", "type")
    },
}
ONE_SHOT_DIFFERENCES = {
    ("ClusteringConfig", "batch_size", "ge"): MEANING,
    ("ClusteringConfig", "max_hierarchy_depth", "ge"): PAGE,
    ("ClusteringConfig", "max_hierarchy_depth", "le"): PAGE,
    ("ClusteringConfig", "parallelism", "ge"): MEANING,
    ("ClusteringConfig", "sample_size", "ge"): MEANING,
    ("ClusteringConfig", "sample_size", "le"): PAGE,
    ("ExecuteClusterRequest", "sample_size", "ge"): MEANING,
    ("ExecuteClusterRequest", "sample_size", "le"): PAGE,
    ("FeatureAddress", "extractor", "min_length"): EMPTY,
    ("FeatureAddress", "scheme", "min_length"): EMPTY,
    ("FeatureAddress", "version", "min_length"): EMPTY,
    ("FeatureVectorRef", "feature_address", "required"): PAGE,
    ("LLMLabeling", "custom_prompt", "min_length"): EMPTY,
    ("LLMLabeling", "max_samples_per_cluster", "ge"): MEANING,
    ("LLMLabeling", "max_samples_per_cluster", "le"): PROMPT,
    ("LLMLabeling", "model_name", "max_length"): LENGTH,
    ("LLMLabeling", "model_name", "min_length"): EMPTY,
    ("NoReduction", "method", "default"): STEP,
    ("NoReduction", "method", "required"): STEP,
    **{
        (model, "method", aspect): STEP
        for model in ("TSNEParams", "UMAPParams")
        for aspect in ("required", "default")
    },
    **{
        (model, "random_state", bound): SEED
        for model in ("TSNEParams", "UMAPParams")
        for bound in ("ge", "le")
    },
}


def test_requests_differ_from_the_contract_only_where_there_is_a_reason():
    assert set(_differences(contract(), REQUESTS)) == set(DIFFERENCES)


def test_the_call_without_a_definition_differs_only_where_there_is_a_reason():
    found = set(_differences(one_shot_contract(), ONE_SHOT))
    own = {one for one in found if one[0] not in {*ALGORITHMS, "AttributeBasedConfig"}}
    assert own == set(ONE_SHOT_DIFFERENCES)
    assert found - own <= set(DIFFERENCES)


def test_every_model_of_the_contract_is_compared():
    assert set(contract()) == REQUESTS.keys() | VIEWS.keys() | FREE
    shared = {"ErrorResponse", "ErrorDetail"}
    assert set(one_shot_contract()) == ONE_SHOT.keys() | ONE_SHOT_VIEWS.keys() | shared


@pytest.mark.parametrize("name", ONE_SHOT_VIEWS)
def test_answers_of_the_call_without_a_definition_have_every_field(name):
    assert one_shot_contract()[name].keys() <= ONE_SHOT_VIEWS[name].model_fields.keys()


@pytest.mark.parametrize("name", VIEWS)
def test_views_have_every_field_of_the_contract(name):
    assert contract()[name].keys() <= VIEWS[name].model_fields.keys()


@pytest.mark.parametrize("name", VIEWS)
def test_what_the_contract_requires_is_never_null(name):
    shown = VIEWS[name].model_json_schema(mode="serialization")
    required = {field for field, facts in contract()[name].items() if facts.get("required")}
    nullable = {
        field
        for field, facts in shown["properties"].items()
        if {"type": "null"} in facts.get("anyOf", ())
    }
    assert required & nullable == set()


def test_statuses_of_the_contract_exist():
    enum = contract()["ClusterMetadata"]["status"]["enum"]
    assert set(enum) <= {status.value for status in ClusterStatus}


def test_a_client_may_send_every_field_it_knows_with_the_default():
    facts = contract()
    config = {
        **_defaults(facts["VectorBasedConfigInput"]),
        "feature_uri": "mixpeek://text@v1/embedding",
        "clustering_method": "kmeans",
        "algorithm_params": _defaults(facts["KMeansParams"]),
        "preprocessing_steps": [_defaults(facts[step]) for step in ("UMAPParams", "TSNEParams")],
        "face_cluster_merge": _defaults(facts["FaceClusterMergeConfig"]),
    }
    request = {
        **_defaults(facts["CreateClusterRequest"]),
        "collection_ids": ["speeches"],
        "vector_config": config,
        "llm_labeling": _defaults(facts["LLMLabelingInput"]),
    }
    definition = validate(REQUESTS["CreateClusterRequest"], request)
    assert definition.vector_config.given_params == _defaults(facts["KMeansParams"])


def _differences(facts, models):
    for name, model in models.items():
        mine = ours(model)
        for field, theirs in facts[name].items():
            aspects = _aspects(theirs, mine[field]) if field in mine else ["missing"]
            yield from ((name, field, aspect) for aspect in aspects)


def _aspects(theirs, mine):
    if bool(theirs.get("required")) != mine["required"]:
        yield "required"
    if "default" in theirs and theirs["default"] != mine["default"]:
        yield "default"
    yield from (bound for bound in BOUND_NAMES if theirs.get(bound) != mine.get(bound))
    yield from _type_aspects(json_types(theirs["type"]), mine["types"])
    yield from _enum_aspects(set(theirs.get("enum") or ()), mine["enum"])


def _type_aspects(theirs, mine):
    numbers = {"integer"} if "number" in mine else set()
    # A field of free form says nothing about its type.
    if mine and not theirs <= mine | numbers:
        yield "type"


def _enum_aspects(theirs, mine):
    if mine and not theirs <= mine:
        yield "enum"
    if mine and not theirs:
        yield "closed"


def _defaults(facts):
    return {field: about.get("default") for field, about in facts.items()}
