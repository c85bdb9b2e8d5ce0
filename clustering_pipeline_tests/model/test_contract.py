import pytest

from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.filters.tree import Operator, parse_filter
from clustering_pipeline.model.status import ClusterStatus
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
from clustering_pipeline_tests.model.contract_differences import (
    DIFFERENCES,
    ONE_SHOT_DIFFERENCES,
    VIEW_DIFFERENCES,
)
from clustering_pipeline_tests.model.factories import cluster


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


def test_answers_differ_from_the_contract_only_where_there_is_a_reason():
    found = set(_view_differences(contract(), VIEWS))
    assert found == set(VIEW_DIFFERENCES)
    assert set(_view_differences(one_shot_contract(), ONE_SHOT_VIEWS)) == set()


def test_a_fresh_definition_says_what_the_contract_has_by_default():
    shown = cluster().metadata().model_dump(mode="json")
    defaults = _defaults(contract()["ClusterMetadata"])
    assert {field: shown[field] for field, value in defaults.items() if value is not None} == {
        field: value for field, value in defaults.items() if value is not None
    }


def test_filters_of_the_contract_are_read():
    facts = contract()["FilterCondition"]
    assert set(facts["operator"]["enum"]) <= set(Operator)
    condition = parse_filter({"field": "a", "value": 1})
    assert condition.operator == facts["operator"]["default"]
    nothing = {"AND": None, "OR": None, "NOT": None, "case_sensitive": None}
    assert parse_filter(nothing) is None


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


def _view_differences(facts, models):
    for name, model in models.items():
        mine = ours(model, answered=True)
        for field, theirs in facts[name].items():
            yield from ((name, field, aspect) for aspect in _view_aspects(theirs, mine[field]))


def _view_aspects(theirs, mine):
    """A reader of the contract can take what we say, and is told what it expects to be told."""
    known = json_types(theirs["type"])
    if known and not mine["types"] <= known | ({"integer"} if "number" in known else set()):
        yield "type"
    if theirs.get("enum") and not mine["enum"] <= set(theirs["enum"]):
        yield "enum"
    if theirs.get("pattern") != mine.get("pattern"):
        yield "pattern"
    # What is always said needs no default.
    if "default" in theirs and not mine["required"] and theirs["default"] != mine["default"]:
        yield "default"


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
