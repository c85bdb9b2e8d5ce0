"""What people may ask of groups at once."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.errors import InvalidRequest
from clustering_pipeline.model.executions.group_edits import ClusterEdits, Links

LISTS = st.lists(st.lists(st.sampled_from("abcdef"), min_size=2, max_size=4), max_size=4)


@pytest.mark.parametrize(
    ("edits", "problem"),
    [
        pytest.param(
            {"merge": [["grp_1", "grp_2"], ["grp_2", "grp_3"]]}, "grp_2 is merged twice", id="lists"
        ),
        pytest.param({"merge": [["grp_1", "grp_1"]]}, "grp_1 is merged twice", id="one-list"),
        pytest.param(
            {"merge": [["grp_1", "grp_2"]], "pin": ["grp_2"]},
            "grp_2 is pinned and merged into another",
            id="pinned",
        ),
        pytest.param(
            {"must_link": [["a", "b"]], "cannot_link": [["c", "b", "a"]]},
            "'a' and 'b' must and cannot be linked",
            id="links",
        ),
        pytest.param(
            {"merge": [["cl_0", "cl_1"]]},
            r"merge.0.0: 'cl_0' is no group_uid: .* see `clusters groups --json`.* \(and 1 more\)",
            id="number",
        ),
        pytest.param({"rename": {"cl_0": "Sea"}}, "'cl_0' is no group_uid", id="number-as-key"),
        pytest.param({"pin": [1]}, "pin.0: should be a valid string", id="no-text"),
    ],
)
def test_what_cannot_be_is_refused(edits: dict[str, object], problem: str) -> None:
    with pytest.raises(InvalidRequest, match=problem):
        validate(ClusterEdits, edits)


def test_the_group_that_takes_others_in_may_be_pinned() -> None:
    validate(ClusterEdits, {"merge": [["grp_1", "grp_2"]], "pin": ["grp_1"]})


def test_who_is_excluded_is_linked_with_nobody() -> None:
    edits = ClusterEdits(
        exclude=["b", "z"], must_link=[["a", "b", "c"]], cannot_link=[["b", "d"], ["c", "d"]]
    )
    assert edits.links == Links(must=[["a", "c"]], cannot=[["c", "d"]])


@settings(derandomize=True, deadline=None, max_examples=80)
@given(must=LISTS, cannot=LISTS)
def test_links_contradict_where_a_pair_is_in_both(
    must: list[list[str]], cannot: list[list[str]]
) -> None:
    refused = False
    try:
        validate(ClusterEdits, {"must_link": must, "cannot_link": cannot})
    except InvalidRequest:
        refused = True
    assert refused == bool(pairs(must) & pairs(cannot))


def pairs(lists: list[list[str]]) -> set[tuple[str, str]]:
    return {pair for one in lists for pair in combinations(sorted(set(one)), 2)}


def test_as_much_as_may_be_asked_is_looked_through() -> None:
    """Half a million pairs a list, and each uid among fifty thousand, are too many to try."""
    merge = [[f"grp_{row:x}a{one:x}" for one in range(100)] for row in range(500)]
    links = [[f"{row}-{one}" for one in range(1000)] for row in range(60)]
    across = [[f"{row}-{one}" for row in range(60)] for one in range(1000)]
    asked = {"merge": merge, "must_link": links, "cannot_link": across}
    assert len(validate(ClusterEdits, asked).cannot_link) == 1000
