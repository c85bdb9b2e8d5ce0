import pytest
from bson import Regex

from clustering_pipeline.model.filters.tree import parse_filter
from clustering_pipeline.stores.catalog.listing.fields import CLUSTER_FIELDS, EXECUTION_FIELDS
from clustering_pipeline.stores.catalog.listing.metadata_index import may_hold
from clustering_pipeline.stores.catalog.listing.mongo_filters import narrowed, split


def condition(field, operator, value, **more):
    return {"AND": [{"field": field, "operator": operator, "value": value, **more}]}


@pytest.mark.parametrize(
    ("asked", "query"),
    [
        pytest.param({"status": "FAILED"}, {"folded.status": "failed"}, id="folded"),
        pytest.param(
            condition("status", "eq", "FAILED", case_sensitive=True),
            {"view.status": "FAILED"},
            id="case-sensitive",
        ),
        pytest.param({"num_clusters": 3}, {"view.num_clusters": 3}, id="number"),
        pytest.param({"description": None}, {"view.description": None}, id="missing-is-null"),
        pytest.param(
            condition("num_clusters", "ne", 3),
            {"$nor": [{"view.num_clusters": 3}]},
            id="complement",
        ),
        pytest.param(
            condition("created_at", "gte", "2026-11-21T14:00:00+02:00"),
            {"view.created_at": {"$gte": "2026-11-21T12:00:00.000Z"}},
            id="time-of-another-zone",
        ),
        pytest.param(
            condition("cluster_name", "contains", "A.b"),
            {"folded.cluster_name": {"$regex": r"a\.b"}},
            id="escaped",
        ),
        pytest.param(
            condition("cluster_name", "starts_with", "^"),
            {"folded.cluster_name": {"$regex": r"\A\^"}},
            id="prefix",
        ),
        pytest.param(
            condition("cluster_name", "regex", "^a.b"),
            {
                "$and": [
                    {"folded.cluster_name": {"$regex": r"\Aa"}},
                    {"view.cluster_name": {"$regex": r"\A[aA][^\n][bB]"}},
                ]
            },
            id="pattern",
        ),
        pytest.param(
            condition("created_at", "regex", "^2026"),
            {"view.created_at": {"$regex": r"\A2026"}},
            id="pattern-of-a-time",
        ),
        pytest.param(condition("status", "in", []), {"_id": {"$in": []}}, id="in-nothing"),
        pytest.param(
            condition("input_collections", "contains", "col_1"),
            {"folded.input_collections": "col_1"},
            id="element",
        ),
        pytest.param({}, {}, id="everything"),
    ],
)
def test_what_mongodb_answers_alone(asked, query):
    parts = split(parse_filter(asked), CLUSTER_FIELDS)
    assert (parts.query, parts.rest) == (query, None)


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"metadata.team": "a"}, id="free-form"),
        pytest.param(condition("cluster_name", "regex", "(a+)+b"), id="pattern"),
        pytest.param(condition("cluster_name", "regex", r"a\d"), id="part-of-a-pattern"),
        pytest.param(condition("num_clusters", "regex", "1"), id="pattern-of-a-number"),
        pytest.param(condition("description", "words", "a b"), id="words"),
        pytest.param({"cluster_name": "2026-11-21"}, id="date-in-a-text"),
        pytest.param(condition("created_at", "gt", "2026-11-21T12:00:00.0001Z"), id="too-fine"),
        pytest.param({"num_clusters": "3"}, id="text-for-a-number"),
        pytest.param({"status": ["FAILED"]}, id="list"),
        pytest.param(condition("cluster_name", "contains", "\0"), id="nul"),
        pytest.param({"OR": [{"status": "FAILED"}, {"metadata.team": "a"}]}, id="either"),
    ],
)
def test_what_is_left_to_python(asked):
    parts = split(parse_filter(asked), CLUSTER_FIELDS)
    assert parts.query == {}
    assert parts.rest is not None


def test_a_key_with_dots_in_it_is_not_a_field_inside_another():
    quoted = parse_filter(condition('"metrics.silhouette_score"', "gt", 0.5))
    parts = split(quoted, EXECUTION_FIELDS)
    assert (parts.query, parts.rest) == ({}, quoted)
    assert narrowed(quoted, EXECUTION_FIELDS) == {}


def test_a_conjunction_is_split():
    asked = {
        "AND": [{"field": "status", "value": "FAILED"}, {"field": "metadata.team", "value": "a"}],
        "NOT": [{"field": "algorithm", "value": "kmeans"}],
    }
    parts = split(parse_filter(asked), CLUSTER_FIELDS)
    assert parts.query == {
        "$and": [{"folded.status": "failed"}, {"$nor": [{"folded.algorithm": "kmeans"}]}]
    }
    assert parts.rest == parse_filter({"metadata.team": "a"})


def test_metadata_is_narrowed_down_by_its_facts():
    tree = parse_filter({"metadata.team": "A"})
    fact = "\x1f".join(["metadata", "team", "=a"])
    assert may_hold(tree, frozenset({"metadata"})) == {"$and": [{"facts": {"$in": [fact, "*"]}}]}


@pytest.mark.parametrize(
    ("asked", "facts"),
    [
        (condition("metadata.n", "in", ["A", 1]), ["metadata\x1fn\x1f=a", "metadata\x1fn\x1f1"]),
        (condition("metadata.n", "in", []), []),
        (
            condition("metadata.n", "starts_with", "A."),
            [Regex(r"\Ametadata" + "\x1fn\x1f" + r"=a\.")],
        ),
        (condition("metadata.n", "regex", r"^B\d"), [Regex(r"\Ametadata" + "\x1fn\x1f=b")]),
    ],
    ids=["one-of-several", "one-of-none", "prefix", "pattern"],
)
def test_beginnings_and_alternatives_are_found_by_their_facts_too(asked, facts):
    found = may_hold(parse_filter(asked), frozenset({"metadata"}))
    assert found == {"$and": [{"facts": {"$in": [*facts, "*"]}}]}


@pytest.mark.parametrize(
    ("asked", "looked_for"),
    [
        (condition("metadata.n", "gte", 2.5), {"$gte": 2.5}),
        (condition("metadata.n", "regex", "a!"), {"$regex": "[aA]!"}),
        (
            {"AND": [{"field": "metadata.n", "operator": "exists", "value": True}]},
            {"$exists": True},
        ),
    ],
    ids=["number", "pattern", "there"],
)
def test_other_things_are_looked_for_in_the_metadata_itself(asked, looked_for):
    found = may_hold(parse_filter(asked), frozenset({"metadata"}))
    assert found == {"$and": [{"view.metadata.n": looked_for}]}


def test_alternatives_are_narrowed_down_where_each_is():
    either = {"OR": [{"metadata.n": 1}, condition("metadata.n", "gt", 5)]}
    assert may_hold(parse_filter(either), frozenset({"metadata"})) == {
        "$and": [
            {
                "$or": [
                    {"$and": [{"facts": {"$in": ["metadata\x1fn\x1f1", "*"]}}]},
                    {"$and": [{"view.metadata.n": {"$gt": 5}}]},
                ]
            }
        ]
    }


@pytest.mark.parametrize(
    "asked",
    [
        {"metadata.team": None},
        {"metadata.day": "2026-11-21"},
        condition("metadata.team", "in", ["a", None]),
        condition("metadata.team", "starts_with", ""),
        condition("metadata.team", "regex", r"(?i)\D"),
        condition("metadata.team", "nin", ["a"]),
        {"AND": [{"field": "metadata.team", "operator": "exists", "value": False}]},
        condition("metadata.n", "gt", "a"),
        condition("metadata.n", "gt", 2**63),
        condition("metadata.$n", "gt", 1),
        condition('metadata."a.n"', "gt", 1),
        {"OR": [{"metadata.team": "a"}, {"status": "FAILED"}]},
    ],
)
def test_what_facts_cannot_tell_narrows_nothing(asked):
    assert may_hold(parse_filter(asked), frozenset({"metadata"})) == {}


def test_a_pattern_narrows_down_as_far_as_it_goes():
    tree = parse_filter({"AND": [condition("cluster_name", "regex", r"^No\.\d"), {"a": 1}]})
    assert narrowed(tree, CLUSTER_FIELDS) == {
        "$and": [
            {"folded.cluster_name": {"$regex": r"\Ano\."}},
            {"view.cluster_name": {"$regex": r"\A[Nn][oO]\.(?:[0-9]|[^\x00-\x7f])"}},
        ]
    }


@pytest.mark.parametrize(
    ("asked", "query"),
    [
        pytest.param(
            condition("description", "phrase", "Über die, STRASSE"),
            {
                "$and": [
                    {"folded.description": {"$regex": "über"}},
                    {"folded.description": {"$regex": "die"}},
                    {"folded.description": {"$regex": "strasse"}},
                ]
            },
            id="phrase",
        ),
        pytest.param(
            condition("description", "text", "A b", case_sensitive=True),
            {"$or": [{"view.description": {"$regex": "A"}}, {"view.description": {"$regex": "b"}}]},
            id="any-word",
        ),
        pytest.param(condition("description", "text", "a " * 17), {}, id="too-many-words"),
        pytest.param(condition("description", "words", "?!"), {}, id="no-word"),
        pytest.param(condition("num_clusters", "words", "1"), {}, id="words-of-a-number"),
        pytest.param(
            {"OR": [{"status": "A"}, condition("description", "words", "b")]},
            {"$or": [{"folded.status": "a"}, {"folded.description": {"$regex": "b"}}]},
            id="either",
        ),
        pytest.param(
            {"OR": [{"metadata.a": 1}, condition("description", "words", "b")]}, {}, id="or-other"
        ),
    ],
)
def test_words_and_alternatives_narrow_down_too(asked, query):
    assert narrowed(parse_filter(asked), CLUSTER_FIELDS) == query


@pytest.mark.parametrize("asked", [{"status": "a"}, {"NOT": [condition("status", "regex", "a+")]}])
def test_what_else_is_left_to_python_narrows_nothing(asked):
    assert narrowed(parse_filter(asked), CLUSTER_FIELDS) == {}
