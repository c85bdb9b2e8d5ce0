"""Payloads and filters on them, as hypothesis draws them: few fields, so that they often meet."""

from hypothesis import strategies as st

KEYS = ("a", "b", "ü-1", "x.y", "c[0]")
FIELDS = ("a", "b", "ü-1", '"x.y"', "c[0]", "a.b", "b.a.a", 'a."x.y"', "a.a.a.a.a", "missing")
WORDS = (
    "red",
    "Red",
    "fox",
    "FOX",
    "straße",
    "STRASSE",
    "社会",
    "保障",
    "2024",
    "x1",
    "İ",
    "k",
    "K",
)
DATES = (
    "2024-01-01",
    "2024-01-01T00:00:00Z",
    "2024-01-01T01:00:00+01:00",
    "2024-01-01T00:00:00.0000001Z",
    "2024-01-01 00:00",
    "2024-01-01T00:00Z",
    "2023-12-31T23:59:59.999999",
    "2024-02-30",
    "0001-01-01",
)
FLAGS = ("exists", "is_null")
LISTS = ("in", "nin")
STRINGS = ("starts_with", "ends_with", "text", "phrase", "words")
ORDERINGS = ("gt", "lt", "gte", "lte")
PATTERNS = ("^re", "[rf]", "社.", "", "X$")

strings = (
    st.sampled_from(WORDS)
    | st.sampled_from(DATES)
    | st.lists(st.sampled_from(WORDS), min_size=2, max_size=3).map(" ".join)
    | st.text(max_size=3)
)
numbers = (
    st.sampled_from([0, 1, -1, 1.0, 0.5, 2**53, 2**53 + 1, -(2**63), 2**63 - 1, 1e17, -0.0, 1e300])
    | st.integers(-3, 3)
    | st.floats(-3, 3).filter(lambda number: number == 0 or abs(number) > 1e-300)
)
scalars = st.none() | st.booleans() | numbers | strings
json = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3)
    ),
    max_leaves=8,
)
payloads = st.dictionaries(st.sampled_from(KEYS), json, max_size=4)


def conditions_on(operator, values):
    return st.fixed_dictionaries(
        {"field": st.sampled_from(FIELDS), "operator": st.just(operator), "value": values},
        optional={"case_sensitive": st.booleans()},
    )


conditions = st.one_of(
    *(conditions_on(operator, json) for operator in ("eq", "ne", "contains")),
    *(conditions_on(operator, st.lists(scalars, max_size=4)) for operator in LISTS),
    *(conditions_on(operator, numbers | strings) for operator in ORDERINGS),
    *(conditions_on(operator, strings) for operator in STRINGS),
    *(conditions_on(operator, st.booleans()) for operator in FLAGS),
    conditions_on("regex", st.sampled_from(PATTERNS)),
    st.dictionaries(st.sampled_from(FIELDS), scalars, min_size=1, max_size=1),
)


def groups_of(items):
    return st.fixed_dictionaries(
        {},
        optional={
            **{key: st.lists(items, max_size=3) for key in ("AND", "OR", "NOT")},
            "case_sensitive": st.booleans(),
        },
    )


filters = groups_of(st.recursive(conditions, groups_of, max_leaves=6))
