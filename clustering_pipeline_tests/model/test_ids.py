import re
from uuid import UUID

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustering_pipeline.model.ids import (
    KINDS,
    NOISE_ID,
    TOP_ID,
    TOP_NUMBER,
    below,
    dotted_number,
    group_id,
    group_path,
    is_group_id,
    is_point_id,
    looks_like_id,
    new_id,
    parent_id,
    point_id_of,
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


@pytest.mark.parametrize(
    ("path", "name", "around", "dotted"),
    [
        ((3,), "cl_3", None, "3"),
        ((0, 1), "cl_0_sub_1", "cl_0", "0.1"),
        ((0, 12, 2), "cl_0_sub_12_sub_2", "cl_0_sub_12", "0.12.2"),
    ],
)
def test_the_id_of_a_group_says_where_it_lies(path, name, around, dotted):
    assert group_id(path) == name
    assert group_path(name) == path
    assert parent_id(name) == around
    assert dotted_number(name) == dotted
    assert is_group_id(name)


@given(st.lists(st.integers(min_value=0), min_size=1, max_size=5).map(tuple))
def test_an_id_is_read_as_it_was_written(path):
    assert group_path(group_id(path)) == path
    assert all(group_id((*path, 0)).startswith(below(group_id(path[:end]))) for end in (1, None))
    assert not group_id((*path[:-1], path[-1] + 1)).startswith(below(group_id(path)))


def test_a_column_of_groups_is_brought_to_its_top():
    groups = pl.Series(["cl_10", "cl_1_sub_0_sub_4", NOISE_ID])
    assert groups.str.extract(TOP_ID, 0).to_list() == ["cl_10", "cl_1", NOISE_ID]
    assert groups.str.extract(TOP_NUMBER).to_list() == ["10", "1", None]
    assert parent_id(NOISE_ID) is None


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
    ("document_id", "point"),
    [
        (5, 5),
        ("5", 5),
        ("0", 0),
        (2**64 - 1, 2**64 - 1),
        (str(2**64 - 1), 2**64 - 1),
        (str(UUID(DAGSTER_RUN)), str(UUID(DAGSTER_RUN))),
    ],
)
def test_what_is_a_point_itself(document_id, point):
    assert point_id_of(document_id) == point
    assert is_point_id(str(document_id))


@pytest.mark.parametrize(
    "document_id",
    [
        "05",
        "-0",
        "+5",
        "٥",
        " 5",
        "5.0",
        -5,
        str(2**64),
        DAGSTER_RUN.upper(),
        f"{{{DAGSTER_RUN}}}",
        "",
    ],
)
def test_what_a_point_is_made_of(document_id):
    point = point_id_of(document_id)
    assert is_point_id(str(point))
    assert not is_point_id(str(document_id))
    assert point == point_id_of(str(document_id))


@given(st.sets(st.text() | st.integers(-(2**70), 2**70).map(str) | st.uuids().map(str)))
def test_ids_that_differ_have_points_that_differ(ids):
    assert len({point_id_of(one) for one in ids}) == len(ids)
