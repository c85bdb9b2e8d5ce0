import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustering_pipeline.model.json_values import MAX_DEPTH, check_json, texts_in

scalars = (
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**63), max_value=2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
keys = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3)
)


@given(values)
def test_json_is_taken_as_it_is(value):
    assert check_json(value) is value


def _nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (float("nan"), "must be finite"),
        ({"a": [float("inf")]}, "must be finite"),
        (2**63, "must fit 64 bits"),
        (10**400, "must fit 64 bits"),
        ({"a\0": 1}, "without the character NUL"),
        ({1: 1}, "keys are text"),
        ({"a": "\ud800"}, "half a surrogate pair"),
        ({"\ud800": 1}, "half a surrogate pair"),
        ({"a": object()}, "JSON has no form for"),
        (_nested(MAX_DEPTH + 1), "nested deeper than 32 levels"),
    ],
)
def test_what_no_store_could_keep_is_refused(value, problem):
    with pytest.raises(ValueError, match=problem):
        check_json(value)


def test_nesting_up_to_the_limit_is_taken():
    check_json(_nested(MAX_DEPTH))


def test_texts_in():
    assert list(texts_in({"a": ["x", {"b": "y"}], "c": 1, "d": None})) == ["x", "y"]
