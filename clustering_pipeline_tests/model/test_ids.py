import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustering_pipeline.model.ids import (
    KINDS,
    MAX_LENGTH,
    check_name,
    generated_name,
    group_id,
    looks_like_id,
    new_id,
    run_id_of,
    task_id_of,
)

DAGSTER_RUN = "5c1d4c3e-8a7b-4c65-9c67-6c62a7f2d0aa"


@pytest.mark.parametrize("kind", KINDS)
def test_ids_are_a_prefix_and_letters_and_digits(kind):
    assert re.fullmatch(rf"{kind}_[a-zA-Z0-9]+", new_id(kind))


def test_ids_differ():
    assert len({new_id("clust") for _ in range(100)}) == 100


def test_a_run_and_its_task_are_named_after_dagsters_run():
    assert run_id_of(DAGSTER_RUN) == "run_5c1d4c3e8a7b4c659c676c62a7f2d0aa"
    assert task_id_of(DAGSTER_RUN) == "task_5c1d4c3e8a7b4c659c676c62a7f2d0aa"


@pytest.mark.parametrize(("number", "name"), [(0, "cl_0"), (12, "cl_12"), (-1, "cl_cluster_noise")])
def test_groups_are_numbered_and_noise_is_named(number, name):
    assert group_id(number) == name


@pytest.mark.parametrize(
    ("name", "like_an_id"),
    [
        ("clust_5f0c", True),
        ("run_1", True),
        ("col_speeches", True),
        ("cluster of speeches", False),
        ("clust_", False),
        ("clust_5f-0c", False),
        ("my clust_5f0c", False),
        ("Clust_5f0c", False),
        ("", False),
    ],
)
def test_looks_like_id(name, like_an_id):
    assert looks_like_id(name) is like_an_id


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
