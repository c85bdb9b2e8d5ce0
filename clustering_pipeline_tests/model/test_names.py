import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustering_pipeline.model.names import MAX_LENGTH, check_name, generated_name


@pytest.mark.parametrize(
    "name",
    [
        "topics",
        "a/b",
        "Themen der Woche",
        "主题 1",
        "🦉",
        "x" * MAX_LENGTH,
        "../etc/passwd",
        "$set",
    ],
)
def test_names_that_are_taken_as_they_are(name):
    assert check_name(name) == name


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("", "must not be empty"),
        (" topics", "begin or end with a space"),
        ("topics\n", "begin or end with a space"),
        ("x" * (MAX_LENGTH + 1), "at most 200 characters"),
        ("two\nlines", "printable characters"),
        ("nul\0", "printable characters"),
        ("\ud800", "printable characters"),
        ("clust_12ab", "must not look like an id"),
        ("col_speeches", "must not look like an id"),
    ],
)
def test_names_that_are_refused(name, rule):
    with pytest.raises(ValueError, match=rule):
        check_name(name)


@given(st.lists(st.text(alphabet="abc ä字", min_size=1, max_size=300), min_size=1, max_size=3))
def test_generated_names_are_names(collections):
    name = generated_name("hdbscan", [one.strip() or "x" for one in collections])
    assert check_name(name) == name
    assert name.startswith("hdbscan of ")
