"""How much of a filter Qdrant gets to evaluate."""

import pytest
from qdrant_client import grpc, models

from clustering_pipeline.model.filters.tree import parse_filter
from clustering_pipeline.stores.documents.pushdown import SplitFilter, conjunction, share_out

LONG = "a string with more letters than can be spelt out"
INTEGER, UUID = grpc.PayloadSchemaType.Integer, grpc.PayloadSchemaType.Uuid
FLOAT, DATETIME = grpc.PayloadSchemaType.Float, grpc.PayloadSchemaType.Datetime


def ask(operator, value, *, field="a", **options):
    return {"field": field, "operator": operator, "value": value, **options}


EXACT = [
    ask("eq", "active"),
    ask("eq", "社会"),
    ask("eq", LONG, case_sensitive=True),
    ask("ne", "active"),
    ask("eq", 1),
    ask("eq", value=True),
    ask("gt", 0.5),
    ask("in", ["a", 1, False]),
    ask("nin", ["a", "b"]),
    ask("in", []),
    ask("nin", []),
    ask("starts_with", "Ab", case_sensitive=True),
    ask("starts_with", "2024-"),
    ask("eq", 1, field="a.b.c"),
    {"NOT": [ask("eq", "x"), ask("lt", 3)]},
    {"OR": [{"a": 1}, {"AND": [{"b": 2}, {"c": "x"}]}]},
    {"OR": [{}, {"field": "a", "operator": "regex", "value": "x"}]},
    {"NOT": [{}]},
]
NARROWED = [
    ask("gte", "2024-01-01"),
    ask("eq", "2024-01-01T00:00:00Z"),
    ask("eq", None),
    ask("is_null", value=True),
    ask("exists", value=False),
    ask("contains", "2024"),
    ask("contains", "Ab", case_sensitive=True),
    ask("ends_with", "社会"),
    ask("words", "社会 and more"),
    ask("text", "2024 2025"),
    ask("eq", 2**60),
    {"OR": [{"a": 1}, {"b": None}]},
]
HERE = [
    ask("eq", LONG),
    ask("ne", LONG),
    ask("regex", "x"),
    ask("contains", "ab"),
    ask("exists", value=True),
    ask("eq", {"b": 1}),
    ask("eq", [1]),
    ask("gt", "m"),
    ask("eq", 1, field="a.b.c.d.e"),
    ask("ne", None),
    {"NOT": [ask("gte", "2024-01-01")]},
    {"OR": [{"a": 1}, ask("regex", "x")]},
]


@pytest.mark.parametrize("obj", EXACT, ids=str)
def test_what_qdrant_decides_alone(obj):
    assert share_out(parse_filter(obj)).residual is None


@pytest.mark.parametrize("obj", NARROWED, ids=str)
def test_what_qdrant_narrows_and_is_decided_here(obj):
    tree = parse_filter(obj)
    selection = share_out(tree)
    assert selection.pushed is not None
    assert selection.residual == tree


@pytest.mark.parametrize("obj", HERE, ids=str)
def test_what_is_decided_here_alone(obj):
    tree = parse_filter(obj)
    assert share_out(tree) == SplitFilter(residual=tree)


def test_only_what_is_not_settled_is_asked_again():
    tree = parse_filter(
        {
            "AND": [{"a": 1}, ask("regex", "x")],
            "OR": [{"b": 1}, {"c": 2}],
            "NOT": [{"d": "y"}, ask("text", "word")],
        }
    )
    left = parse_filter({"AND": [ask("regex", "x")], "NOT": [ask("text", "word")]})
    selection = share_out(tree)
    assert selection.residual == left
    assert (len(selection.pushed.must), len(selection.pushed.must_not)) == (2, 1)


@pytest.mark.parametrize(
    ("obj", "indexes"),
    [
        pytest.param(ask("eq", 1), {"a": INTEGER}, id="floats-are-not-in-an-integer-index"),
        pytest.param(ask("lt", 1, field="a.b"), {"a[].b": INTEGER}, id="nor-those-inside-lists"),
        pytest.param(ask("gt", "2024-01-01"), {"a": FLOAT}, id="nor-dates-in-one-of-numbers"),
        pytest.param(ask("gt", 1), {"a": DATETIME}, id="nor-numbers-in-one-of-dates"),
        pytest.param(ask("eq", "x"), {"a": UUID}, id="a-uuid-index-reads-every-spelling"),
        pytest.param(ask("eq", 1, field='"x.y"'), {'"x.y"': INTEGER}, id="quoted"),
    ],
)
def test_an_index_that_answers_otherwise_is_not_asked(obj, indexes):
    tree = parse_filter(obj)
    assert share_out(tree).pushed is not None
    assert share_out(tree, indexes=indexes) == SplitFilter(residual=tree)


def test_an_older_server_is_not_asked_for_substrings():
    tree = parse_filter(ask("starts_with", "2024-"))
    assert share_out(tree, substrings=False) == SplitFilter(residual=tree)


def test_a_key_that_no_path_of_qdrant_can_hold_is_read_here():
    tree = parse_filter(ask("eq", 1, field="back\\slash"))
    assert share_out(tree) == SplitFilter(residual=tree)


def test_filters_join():
    one = share_out(parse_filter({"a": 1})).pushed
    assert conjunction() is None
    assert conjunction(None, one) == one
    assert len(conjunction(one, one).must) == 2


def test_floats_in_a_field_with_an_integer_index_are_found(documents, qdrant, fill):
    collection = fill([(1, {"n": 1}, None), (2, {"n": 1.0}, None), (3, {"n": 0.5}, None)])
    qdrant.create_payload_index(collection, "n", models.PayloadSchemaType.INTEGER)
    assert documents.count(collection, parse_filter({"n": 1})) == 2
    assert documents.count(collection, parse_filter(ask("lt", 1, field="n"))) == 1


def test_spellings_of_a_uuid_differ_by_case_only_when_asked(documents, qdrant, fill):
    lower = "12345678-1234-1234-1234-123456789abc"
    collection = fill([(1, {"u": lower}, None), (2, {"u": lower.upper()}, None)])
    qdrant.create_payload_index(collection, "u", models.PayloadSchemaType.UUID)
    assert documents.count(collection, parse_filter({"u": lower})) == 2
    exact = parse_filter({"u": lower, "case_sensitive": True})
    assert documents.count(collection, exact) == 1
