import numpy as np
import pytest

from clustering_pipeline.engine.identity.edits import (
    Groups,
    divided,
    linked,
    merged,
    parted,
    pinned,
)

# Two groups on top, the second of which has two parts; the last document is noise.
INNER = ["a", "a", "a", "b1", "b1", "b2", ""]
PARENTS = {"a": "", "b": "", "b1": "b", "b2": "b"}


@pytest.fixture
def groups() -> Groups:
    return Groups(inner=np.array(INNER, dtype=object), parents=PARENTS)


def rows(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.int64)


def marked(*numbers: int) -> np.ndarray:
    return np.isin(np.arange(len(INNER)), numbers)


def test_a_group_holds_what_its_parts_do(groups):
    assert groups.within("b").tolist() == marked(3, 4, 5).tolist()


def test_identity_sees_the_same_tree(groups):
    found = groups.generation(list("tuvwxyz"), [])
    assert dict(zip(found.uids, found.paths, strict=True)) == {
        "a": (0,),
        "b": (1,),
        "b1": (1, 0),
        "b2": (1, 1),
    }
    assert found.sizes.tolist() == [3, 3, 2, 1]
    assert Groups.of(found, found.uids).inner.tolist() == INNER


def test_parts_of_a_merged_group_go_along(groups):
    found, problem = merged(groups, ["a", "b"])
    assert (found.parents, problem) == ({"a": "", "b1": "a", "b2": "a"}, None)
    assert found.within("a").tolist() == marked(0, 1, 2, 3, 4, 5).tolist()


def test_groups_of_different_parents_are_not_merged(groups):
    found, problem = merged(groups, ["a", "b1"])
    assert (found, problem) == (groups, "merge: a, b1 do not lie in the same group")


def test_what_was_one_group_stays_one_under_new_names(groups):
    found, problem = merged(groups, ["old", "older"], formerly=marked(0, 1, 3, 4))
    assert (found.living().parents, problem) == ({"old": "", "b1": "old", "b2": "old"}, None)


def test_parts_lie_where_the_group_lay(groups):
    found = divided(groups, "b1", {"b1": marked(3), "b3": marked(4)})
    assert found.chain("b3") == ("b", "b3")
    assert found.inner.tolist() == ["a", "a", "a", "b1", "b3", "b2", ""]


def test_a_pinned_group_that_is_gone_is_made_anew(groups):
    found = pinned(groups, "gone", marked(0, 6))
    assert (found.parents["gone"], found.within("gone").tolist()) == ("", marked(0, 6).tolist())


def test_documents_that_are_pinned_stay_in_the_parts_they_are_in(groups):
    assert pinned(groups, "b", marked(2, 3, 5)).inner.tolist() == [
        *("a", "a", "b", "b1", "b1", "b2", "")
    ]


def test_linked_documents_go_where_most_of_them_are(groups):
    found, problem = linked(groups, rows(0, 3, 4, 6))
    assert (found.inner[[0, 3, 4, 6]].tolist(), problem) == (["b1"] * 4, None)


def test_documents_of_no_group_cannot_be_linked(groups):
    assert linked(groups, rows(6)) == (groups, "must_link: none of the documents is in a group")


def test_later_ones_of_parted_documents_go_where_they_are_had(groups):
    def first_free(_row, taken):
        return next(one for one in ("a", "b1", "b2") if one not in taken)

    found, alone = parted(groups, rows(0, 1, 2), first_free)
    assert (found.inner[:3].tolist(), alone) == (["a", "b1", "b2"], [])


def test_where_nobody_has_them_they_become_noise(groups):
    found, alone = parted(groups, rows(3, 0, 2, 1), lambda _row, _taken: None)
    assert found.inner[:4].tolist() == ["a", "", "", "b1"]
    assert alone == [(2, 0), (1, 0)]


def test_groups_without_documents_are_no_more(groups):
    assert groups.moved(marked(3, 4, 5), "").living().parents == {"a": ""}


def among(*uids: str) -> Groups:
    return Groups(inner=np.array(uids, dtype=object), parents={"a": "", "b": ""})


def mask(movable: str) -> np.ndarray:
    """A 1 for each row that may move."""
    return np.array([digit == "1" for digit in movable], dtype=np.bool_)


@pytest.mark.parametrize(
    ("uids", "movable", "after"),
    [
        pytest.param(["a", "b", "b"], "011", ["a", "a", "a"], id="to-the-one-that-stays"),
        pytest.param(["a", "b", ""], "000", ["a", "b", "a"], id="who-stays-is-not-moved"),
        pytest.param(["a", "b", "b"], "111", ["b", "b", "b"], id="to-where-most-are"),
        pytest.param(["b", "a"], "11", ["b", "b"], id="of-as-many-that-of-the-first"),
        pytest.param(["", ""], "11", ["", ""], id="nowhere"),
        pytest.param([], "", [], id="nobody"),
    ],
)
def test_linked_documents_come_together(uids, movable, after):
    found, problem = linked(among(*uids), np.arange(len(uids)), mask(movable))
    assert found.inner.tolist() == after
    assert (problem is None) == any(after)


@pytest.mark.parametrize(
    ("uids", "movable", "after"),
    [
        pytest.param(["a", "a"], "10", ["", "a"], id="who-stays-comes-first"),
        pytest.param(["a", "a", "b"], "111", ["a", "", "b"], id="the-second-leaves"),
        pytest.param(["a", "a"], "00", ["a", "a"], id="who-stays-is-not-moved"),
        pytest.param(["", ""], "11", ["", ""], id="nowhere"),
    ],
)
def test_parted_documents_come_apart(uids, movable, after):
    rows = np.arange(len(uids))
    found, alone = parted(among(*uids), rows, lambda _row, _taken: None, mask(movable))
    assert found.inner.tolist() == after
    assert len(alone) == after.count("") - uids.count("")
