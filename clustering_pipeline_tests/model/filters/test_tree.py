import pytest

from clustering_pipeline.model.errors import InvalidFilter
from clustering_pipeline.model.filters.tree import (
    MAX_PATTERNS,
    MAX_TEXT,
    MAX_VALUES,
    Condition,
    Group,
    Operator,
    fields_of,
    parse_filter,
    split_path,
)


def condition(field, value, operator="eq", *, case_sensitive=False):
    return Condition(
        field=field,
        path=split_path(field),
        operator=Operator(operator),
        value=value,
        case_sensitive=case_sensitive,
    )


def nested(depth):
    return {"field": "a", "value": 1} if depth == 0 else {"AND": [nested(depth - 1)]}


@pytest.mark.parametrize(
    "obj", [None, {}, {"AND": None, "OR": None, "NOT": None, "case_sensitive": False}, {"OR": []}]
)
def test_nothing_asked_selects_everything(obj):
    assert parse_filter(obj) is None


def test_a_group_reads_into_its_three_parts_and_shorthand_joins_the_first():
    tree = parse_filter(
        {
            "AND": [{"field": "a", "value": 1}],
            "OR": [{"field": "b", "operator": "gt", "value": 2}, {"c": None}],
            "NOT": [{"d.e": "x"}],
            "metadata.title": "T",
        }
    )
    assert tree == Group(
        every=(condition("a", 1), condition("metadata.title", "T")),
        some=(condition("b", 2, "gt"), Group(every=(condition("c", None),))),
        none=(Group(every=(condition("d.e", "x"),)),),
    )


def test_a_condition_alone_is_a_filter():
    assert parse_filter({"field": "a", "operator": "in", "value": [1, "b"]}) == condition(
        "a", (1, "b"), "in"
    )


def test_case_sensitive_holds_for_what_a_group_encloses_until_told_otherwise():
    tree = parse_filter(
        {
            "case_sensitive": True,
            "AND": [
                {"AND": [{"a": "x"}]},
                {"AND": [{"b": "x"}], "case_sensitive": None},
                {"AND": [{"c": "x"}], "case_sensitive": False},
                {"field": "d", "value": "x", "case_sensitive": False},
            ],
        }
    )
    assert tree == Group(
        every=(
            Group(every=(Group(every=(condition("a", "x", case_sensitive=True),)),)),
            Group(every=(Group(every=(condition("b", "x", case_sensitive=True),)),)),
            Group(every=(Group(every=(condition("c", "x"),)),)),
            condition("d", "x"),
        )
    )


def test_sixteen_levels_are_read_and_seventeen_refused():
    assert parse_filter(nested(15)) is not None
    with pytest.raises(InvalidFilter, match="deeper than 16"):
        parse_filter(nested(16))


def matching(pattern):
    return {"field": "a", "operator": "regex", "value": pattern}


@pytest.mark.parametrize(
    ("most", "more", "message"),
    [
        pytest.param(
            {"OR": [{"field": "a", "value": 1}] * (MAX_VALUES // 2)},
            {"OR": [{"field": "a", "operator": "eq", "value": 1}] * (MAX_VALUES // 2)},
            "45,000 names, operators and values: ask for 30,000",
            id="conditions",
        ),
        pytest.param(
            {"field": "a", "operator": "in", "value": [1] * (MAX_VALUES - 2)},
            {"field": "a", "operator": "in", "value": [[1] * (MAX_VALUES - 1)]},
            "30,001 names, operators and values",
            id="options",
        ),
        pytest.param({"a": "x" * 1000}, {"a": "x" * MAX_TEXT}, "2,000,001 characters", id="text"),
        pytest.param({}, {"a" * MAX_TEXT: "x"}, "2,000,001 characters", id="field"),
        pytest.param(
            {"OR": [matching("x")] * MAX_PATTERNS},
            {"AND": [{"NOT": [matching("(")]}] * (MAX_PATTERNS + 1)},
            "21 conditions with the operator regex: ask for 20",
            id="patterns-before-any-is-read",
        ),
    ],
)
def test_a_filter_that_no_store_would_answer_soon_is_refused(most, more, message):
    parse_filter(most)
    with pytest.raises(InvalidFilter, match=message):
        parse_filter(more)


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        pytest.param({"AND": [None]}, "not null", id="null-item"),
        pytest.param({"AND": ["a"]}, "not 'a'", id="string-item"),
        pytest.param([], "not a list", id="a-list-is-no-filter"),
        pytest.param({"AND": {"a": 1}}, "AND takes a list", id="and-without-list"),
        pytest.param({"field": "a", "operator": "like", "value": 1}, "use one of eq, ne", id="op"),
        pytest.param({"field": "a", "operator": None, "value": 1}, "use one of", id="null-op"),
        pytest.param({"field": "a"}, "has no value", id="no-value"),
        pytest.param({"field": "a", "value": 1, "values": 2}, "not values", id="stray-key"),
        pytest.param({"field": "", "value": 1}, "dotted path", id="empty-field"),
        pytest.param({"field": 1, "value": 1}, "dotted path", id="number-field"),
        pytest.param({"field": "a..b", "value": 1}, "is not a path", id="two-dots"),
        pytest.param({"field": "a.", "value": 1}, "is not a path", id="dot-at-the-end"),
        pytest.param({"field": "a", "operator": "in", "value": "x"}, "takes a list", id="in"),
        pytest.param({"field": "a", "operator": "exists", "value": 1}, "true or", id="exists"),
        pytest.param({"field": "a", "operator": "text", "value": 1}, "a string", id="text"),
        pytest.param({"field": "a", "operator": "gt", "value": None}, "a number", id="gt-null"),
        pytest.param({"field": "a", "operator": "gt", "value": True}, "a number", id="gt-bool"),
        pytest.param({"field": "a", "value": float("nan")}, "finite", id="nan"),
        pytest.param({"field": "a", "value": object()}, "not JSON", id="not-json"),
        pytest.param({"a": nested(17)}, "nests deeper", id="deep-value"),
        pytest.param({"a": {"type": "dynamic", "field": "b"}}, "is dynamic", id="dynamic"),
        pytest.param({"case_sensitive": "no"}, "true or false", id="case"),
        pytest.param(
            {"field": "a", "operator": "regex", "value": "("}, "unclosed group", id="regex"
        ),
        pytest.param(
            {"field": "a", "operator": "regex", "value": "(?=a)b"}, "look-around", id="look"
        ),
        pytest.param(
            {"field": "a", "operator": "regex", "value": r"((\w{99}){99}){99}"}, "size", id="huge"
        ),
        pytest.param({"field": "a", "operator": "regex", "value": "a" * 1001}, "1000", id="long"),
    ],
)
def test_what_is_no_filter_is_refused_by_name(obj, message):
    with pytest.raises(InvalidFilter, match=message):
        parse_filter(obj)


@pytest.mark.parametrize(
    ("field", "path"),
    [
        ("a", ("a",)),
        ("a.b c.ü", ("a", "b c", "ü")),
        ('a."b.c".d', ("a", "b.c", "d")),
        ("a[0].b", ("a[0]", "b")),
    ],
)
def test_a_path_is_split_at_its_dots(field, path):
    assert split_path(field) == path


def test_the_fields_of_a_filter_are_the_top_level_keys_it_looks_at():
    tree = parse_filter({"a.b": 1, "OR": [{"c": 2}, {"NOT": [{"a.x": 1}]}]})
    assert fields_of(tree) == {"a", "c"}
    assert fields_of(None) == frozenset()
