"""New documents into groups that are there, on data whose groups are known."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from clustering_pipeline.engine.incremental import Reference, assign_to, reference_of
from clustering_pipeline.model.errors import EmptySelection, InvalidVectors, RunCanceled
from clustering_pipeline_tests.sizes import size

SPREAD = 1.0


@dataclass(frozen=True)
class Topics:
    """Directions of unit length, and documents about them."""

    directions: np.ndarray

    def draw(self, topics: np.ndarray, seed: int, *, spread: float = SPREAD) -> np.ndarray:
        noise = np.random.default_rng(seed).normal(size=(len(topics), self.directions.shape[1]))
        away = spread * noise / np.sqrt(noise.shape[1])
        return (self.directions[topics] + away).astype(np.float32)


def topics(count: int, dimensions: int) -> Topics:
    directions = np.random.default_rng(0).normal(size=(count, dimensions))
    return Topics(directions / np.linalg.norm(directions, axis=1, keepdims=True))


def some(k: int, n: int, seed: int) -> np.ndarray:
    """``n`` draws of ``k`` topics, every one of them there; some are ten times as frequent."""
    generator = np.random.default_rng(seed)
    weights = np.linspace(1, 10, k)
    return np.concatenate(
        [np.arange(k), generator.choice(k, n - k, p=weights / weights.sum())]
    ).astype(np.int64)


@pytest.mark.parametrize(
    ("k", "dimensions", "n"),
    [
        pytest.param(6, 32, 400, id="few"),
        pytest.param(40, 128, 2_000, id="many"),
        pytest.param(size(ci=60, full=200), 384, size(ci=3_000, full=50_000), id="at-size"),
    ],
)
def test_known_topics_find_their_group_and_new_ones_the_pool(k, dimensions, n):
    every = topics(k + k // 5, dimensions)
    published = some(k, n, seed=1)
    reference = reference_of(every.draw(published, seed=2), published)
    known, new = some(k, 1_800, seed=3), np.random.default_rng(4).integers(k, k + k // 5, 200)
    found = assign_to(reference, every.draw(np.concatenate([known, new]), seed=5)).labels
    of_known, of_new = found[: len(known)], found[len(known) :]
    assert adjusted_rand_score(known, of_known) >= 0.9
    assert (of_known < 0).mean() <= 0.02
    assert (of_new < 0).mean() >= 0.9


@pytest.fixture(scope="module")
def two() -> tuple[Topics, Reference]:
    every = topics(3, 16)
    labels = np.repeat([0, 1, -1], [60, 30, 5])
    return every, reference_of(every.draw(labels, seed=1, spread=0.3), labels)


@pytest.mark.parametrize(("threshold", "kept"), [(-1.0, 20), (0.5, 20), (0.9999, 0), (1.0, 0)])
def test_the_threshold_is_a_least_cosine_to_the_centroid(two, threshold, kept):
    every, reference = two
    near = every.draw(np.zeros(20, dtype=np.int64), seed=3, spread=0.2)
    found = assign_to(reference, near, threshold=threshold)
    assert (found.labels == 0).sum() == kept
    assert set(found.nearest) == {0}
    assert np.array_equal(found.labels >= 0, found.probabilities > 0)


def test_what_is_out_of_reach_names_the_nearest_group_all_the_same(two):
    every, reference = two
    stranger = every.draw(np.array([2, 2]), seed=4, spread=0.1)
    found = assign_to(reference, stranger)
    assert found.labels.tolist() == [-1, -1]
    assert set(found.nearest) <= {0, 1}
    assert found.probabilities.tolist() == [0.0, 0.0]


def test_length_does_not_matter(two):
    every, reference = two
    vectors = every.draw(np.array([0, 1, 2]), seed=5, spread=0.1)
    found = [assign_to(reference, scale * vectors).labels.tolist() for scale in (1, 100, 0.01)]
    assert found == [[0, 1, -1]] * 3


def test_a_zero_vector_lies_in_no_group(two):
    assert assign_to(two[1], np.zeros((1, 16))).labels.tolist() == [-1]


def test_without_groups_everything_is_new():
    reference = reference_of(np.ones((3, 4)), np.full(3, -1))
    found = assign_to(reference, np.ones((2, 4)))
    assert (found.labels.tolist(), found.nearest.tolist()) == ([-1, -1], [-1, -1])


@pytest.mark.parametrize("count", [1, 2, 50])
def test_equal_members_take_their_equal_and_nothing_else(count):
    vectors = np.tile([1.0, 0.0, 0.0], (count, 1))
    reference = reference_of(vectors, np.zeros(count, dtype=np.int64))
    assert assign_to(reference, [[2.0, 0, 0], [0, 1, 0], [-1, 0, 0]]).labels.tolist() == [0, -1, -1]


@pytest.mark.parametrize("method", ["mean", "median", "medoid"])
def test_every_kind_of_centroid_will_do(method):
    every = topics(4, 32)
    labels = some(4, 200, seed=6)
    reference = reference_of(every.draw(labels, seed=7, spread=0.5), labels, method=method)
    found = assign_to(reference, every.draw(labels, seed=8, spread=0.5)).labels
    assert (found == labels).mean() > 0.95


def test_nothing_and_broken_vectors_are_refused(two):
    with pytest.raises(EmptySelection):
        assign_to(two[1], np.zeros((0, 16)))
    with pytest.raises(InvalidVectors):
        assign_to(two[1], [[np.nan] * 16])


def test_it_can_be_called_off(two):
    def called_off() -> None:
        message = "called off"
        raise RunCanceled(message)

    with pytest.raises(RunCanceled):
        assign_to(two[1], np.ones((3, 16)), check=called_off)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.permutations(range(40)), st.integers(1, 5))
def test_the_order_of_documents_changes_nothing(order, k):
    every = topics(k + 1, 8)
    labels = some(k, 40, seed=k)
    vectors, new = every.draw(labels, seed=1), every.draw(some(k + 1, 20, seed=2), seed=3)
    rows = np.array(order)
    one = assign_to(reference_of(vectors, labels), new)
    other = assign_to(reference_of(vectors[rows], labels[rows]), new[::-1])
    assert np.array_equal(one.labels, other.labels[::-1])
    assert set(one.labels) <= {-1, *labels}


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 1_000), st.integers(1, 30), st.sampled_from([0.01, 0.5, 1.0, 3.0]))
def test_the_greatest_affinity_of_all_decides(seed, k, spread):
    """Most groups are never compared: none of them would have had it."""
    every = topics(k + 2, 12)
    labels = some(k, 6 * k, seed=seed)
    reference = reference_of(every.draw(labels, seed=seed, spread=spread), labels)
    new = every.draw(some(k + 2, 4 * k + 2, seed=seed + 1), seed=seed + 2, spread=spread)
    new[0] = 0
    found = assign_to(reference, new)
    lengths = np.linalg.norm(new, axis=1, keepdims=True)
    units = new / np.where(lengths > 0, lengths, 1)
    single = np.maximum.reduceat(units @ reference.exemplars.T, reference.starts[:-1], axis=1)
    affinity = (units @ reference.centroids.T + single) / 2
    rows = np.arange(len(new))
    assert affinity[rows, found.nearest] == pytest.approx(affinity.max(axis=1), abs=1e-5)
    cosines = (units @ reference.centroids.T)[rows, found.nearest]
    assert found.cosines == pytest.approx(cosines, abs=1e-5)
