from collections.abc import Sequence
from string import ascii_lowercase, ascii_uppercase

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustering_pipeline.engine.identity import Numbers, Terms, identify, numbered
from clustering_pipeline_tests.engine.identity.generations import first, generation, published

LETTERS, CAPITALS = ascii_lowercase, ascii_uppercase


def kept(before, after, **options) -> list[int | None]:
    """For each group of ``after``, the place of the one whose uid it has."""
    places = {uid: place for place, uid in enumerate(before.uids)}
    return [places.get(uid) for uid in identify(after, before, **options).uids]


def numbers(before, after, **options) -> list[int]:
    return [path[0] for path in identify(after, before, **options).paths]


def test_a_first_run_numbers_by_size():
    found = identify(generation(["ab", "cdef", "ghi"]))
    assert found.paths == ((2,), (0,), (1,))
    assert [one.kind for one in found.events] == ["born"] * 3


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(generation([]), id="no-document"),
        pytest.param(generation([], noise=LETTERS), id="all-noise"),
    ],
)
def test_a_run_without_groups_ends_them_all(after):
    found = identify(after, first(["abcd", "efgh"]))
    assert (found.uids, [one.kind for one in found.events]) == ((), ["died", "died"])


def test_groups_are_born_where_there_were_none():
    found = identify(generation(["abcd"]), first([], noise=LETTERS))
    assert (found.paths, [one.kind for one in found.events]) == (((0,),), ["born"])


def test_noise_is_never_matched():
    before = first(["abcd"], noise="efgh")
    assert kept(before, generation(["efgh"], noise="abcd")) == [None]


def test_the_order_of_groups_does_not_matter():
    before = first(["abcdef", "ghij", "klm"])
    after = generation(["klm", "ghij", "abcdef"])
    assert kept(before, after) == [2, 1, 0]
    assert numbers(before, after) == [2, 1, 0]


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        pytest.param("abcdeX", [0], id="at-the-threshold"),
        pytest.param("abcdXYZ", [0], id="new-documents-do-not-count"),
        pytest.param("abcijkl", [None], id="below"),
    ],
)
def test_half_of_the_known_documents_make_a_group_the_same(after, expected):
    before = first(["abcdefgh"], noise="ijkl")
    lost = set("abcdefghijkl") - set(after)
    assert kept(before, generation([after], noise=lost)) == expected


def test_the_threshold_is_a_setting():
    before = first(["abcdefgh"], noise="ij")
    after = generation(["abcdefij"], noise="gh")
    assert kept(before, after) == [0]
    assert kept(before, after, terms=Terms(jaccard=0.9)) == [None]


def test_the_assignment_is_the_best_for_all():
    # Taking the best pair first would leave the second group without one.
    before = first([CAPITALS[:10], CAPITALS[10:16]])
    after = generation([CAPITALS[:8], CAPITALS[8:16]])
    assert kept(before, after) == [0, 1]


def test_numbers_of_the_dead_are_not_given_again():
    before = first(["abcdef", "ghij", "klm"])
    second = generation(["abcdef", "klm", "xyz"], noise="ghij")
    found = identify(second, before)
    assert found.paths == ((0,), (2,), (3,))
    third = generation(["abcdef", "klm", "uvw"])
    assert numbers(published(second, found), third, known=had(before, second)) == [0, 2, 4]


def had(*runs) -> Numbers:
    """The numbers that groups had in runs that followed one another."""
    known, before = Numbers(), None
    for one in runs:
        found = identify(one, before, known=known)
        known, before = known.with_groups(found.paths, found.uids), published(one, found)
    return known


def test_numbers_of_a_run_that_is_shown_no_more_are_not_given_again():
    before = first(["abcdef", "ghij"])
    left = had(before, generation(["abcdef", "ghij", "klmno", "pqr"]))
    assert numbers(before, generation(["abcdef", "ghij", "stu", "vwxyz"]), known=left) == [
        0,
        1,
        5,
        4,
    ]


def test_its_groups_have_their_numbers_when_they_come_back():
    before = first(["abcdef", "ghij"])
    left = had(before, generation(["abcdef", "ghij", "klmno", "pqr"]))
    after = generation(["ghij", "pqr", "uvwxyz", "klmno"])
    assert numbers(before, after, known=left) == [1, 3, 4, 2]


def test_sub_groups_are_numbered_on_below_a_group_that_was_gone():
    whole = {(0,): "abcd", (0, 0): "ab", (0, 1): "cd"}
    more = {(0,): "abcdef", (0, 0): "ab", (0, 1): "cd", (0, 2): "ef"}
    before = first(whole)
    left = had(before, generation(more), generation(["wxyz"]))
    other = {(0,): "abcdgh", (0, 0): "ab", (0, 1): "cd", (0, 2): "gh"}
    assert identify(generation(other), before, known=left).paths[1:] == ((0, 0), (0, 1), (0, 3))


def test_of_two_groups_that_had_one_number_the_later_one_has_it():
    known = Numbers().with_groups([(0,), (1,)], ["u", "v"]).with_groups([(1,)], ["w"])
    assert known.given == {"u": ("", 0), "w": ("", 1)}
    assert numbered([(0,), (1,), (2,)], ["v", "w", "u"], np.array([3, 2, 1]), known) == (
        (2,),
        (1,),
        (0,),
    )


def test_of_a_split_group_the_largest_part_is_the_heir():
    before = first([CAPITALS[:20]])
    after = generation([CAPITALS[9:15], CAPITALS[:9], CAPITALS[15:20]])
    assert kept(before, after) == [None, 0, None]


def test_a_third_is_no_heir():
    before = first([CAPITALS[:21]])
    after = generation([CAPITALS[:7], CAPITALS[7:14], CAPITALS[14:21]])
    assert kept(before, after) == [None, None, None]


NORTH, EAST = (1.0, 0.0), (0.0, 1.0)


def test_where_all_documents_changed_centroids_tell():
    before = first(["abcd", "efg"], centroids=[NORTH, EAST])
    after = generation(["XYZ", "UVW"], centroids=[(0.1, 1.0), (0.7, 0.7)])
    found = identify(after, before)
    assert [(one.old, one.new, one.by) for one in found.matches] == [(1, 0, "centroid")]


def test_where_documents_stayed_centroids_tell_nothing():
    before = first(["abcd", "efg"], centroids=[NORTH, EAST])
    after = generation(["XYZ"], centroids=[NORTH], noise="abcdefg")
    assert kept(before, after) == [None]


def test_vectors_of_another_length_are_not_compared():
    before = first(["abcd"], centroids=[NORTH])
    assert kept(before, generation(["XYZ"], centroids=[(1.0, 0.0, 0.0)])) == [None]


def test_a_handful_of_survivors_does_not_carry_a_name():
    before = first([LETTERS], centroids=[NORTH])
    after = generation(["a" + CAPITALS], centroids=[EAST])
    assert kept(before, after) == [None]


TREE = {(0,): "", (0, 0): "abcdef", (0, 1): "ghij", (1,): "klmnopq"}


def test_sub_groups_keep_their_numbers_within_their_parent():
    before = first(TREE)
    after = generation({(0,): "klmnopq", (1,): "", (1, 0): "ghij", (1, 1): "abcdef"})
    found = identify(after, before)
    assert found.paths == ((1,), (0,), (0, 1), (0, 0))
    assert set(found.uids) == set(before.uids)


def test_a_parent_and_its_only_part_are_told_apart():
    before = first({(0,): "", (0, 0): "abcd"})
    assert len(set(before.uids)) == 2
    assert kept(before, generation({(0,): "", (0, 0): "abcd"})) == [0, 1]


def test_a_part_that_rises_keeps_its_uid():
    before = first(TREE)
    after = generation(["abcdef", "ghij", "klmnopq"])
    found = identify(after, before)
    assert kept(before, after) == [0, 2, 3]
    assert found.paths == ((0,), (2,), (1,))


@given(seed=st.integers(0, 10_000), groups=st.lists(st.integers(1, 6), max_size=6))
@settings(max_examples=60, derandomize=True, deadline=None)
def test_permuted_documents_have_the_same_identities(seed, groups):
    random = np.random.default_rng(seed)
    before = first(words(groups, random))
    after = words(random.permutation(groups).tolist(), random)
    found = named(before, generation(after))
    order = random.permutation(len(after)).tolist()
    again = named(before, generation([after[place] for place in order], seed=seed))
    assert found == again


@given(seed=st.integers(0, 10_000), groups=st.lists(st.integers(1, 6), max_size=6))
@settings(max_examples=60, derandomize=True, deadline=None)
def test_the_same_groups_again_change_nothing(seed, groups):
    random = np.random.default_rng(seed)
    before = first(words(groups, random))
    after = generation(words(groups, np.random.default_rng(seed)))
    found = identify(after, before)
    assert (found.uids, found.paths) == (before.uids, before.paths)
    assert {one.kind for one in found.events} <= {"continued"}


def words(sizes: Sequence[int], random: np.random.Generator) -> list[str]:
    """Groups of those sizes out of the alphabet."""
    letters = random.permutation(list(LETTERS + CAPITALS)).tolist()
    ends = np.cumsum(sizes, dtype=np.int64).tolist()
    return ["".join(letters[end - size : end]) for size, end in zip(sizes, ends, strict=True)]


def named(before, after) -> dict[frozenset[str], str]:
    """Members to uid."""
    uids = identify(after, before).uids
    members: dict[int, set[str]] = {place: set() for place in range(after.k)}
    for document, place in zip(after.documents, after.deepest.tolist(), strict=True):
        if place >= 0:
            members[place].add(document)
    return {frozenset(some): uids[place] for place, some in members.items()}
