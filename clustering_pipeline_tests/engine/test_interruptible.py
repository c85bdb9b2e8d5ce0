"""A fit in a process of its own answers like one here, and can be ended."""

import time

import numpy as np
import pytest

from clustering_pipeline.engine import (
    Neighborhood,
    density_validity,
    divide,
    fit,
    fit_in_child,
    fit_interruptibly,
    outlier_scores,
    reduce,
)
from clustering_pipeline.engine.parameters import resolved_step
from clustering_pipeline.engine.preprocessing.reduce import in_child
from clustering_pipeline.engine.preprocessing.step import StepContext
from clustering_pipeline.engine.vectors import never
from clustering_pipeline.model.algorithms.registry import parameters
from clustering_pipeline.model.errors import DoesNotFit, InvalidParameters, RunCanceled
from clustering_pipeline_tests.engine.data import blobs, passages

OPTICS = {"algorithm": "optics"}
CITY_BLOCKS = {"algorithm": "hdbscan", "params": {"metric": "manhattan"}}


def test_the_answer_is_the_same():
    points, _ = blobs()
    params = parameters("kmeans", {"n_clusters": 3})
    here, there = (run(points, algorithm="kmeans", params=params) for run in (fit, fit_in_child))
    assert there.labels.tolist() == here.labels.tolist()
    assert there.probabilities.tolist() == here.probabilities.tolist()
    assert there.record == here.record


def cancel(*, after: float):
    """A check that says no from so many seconds on, and when that is."""
    canceled_at = time.monotonic() + after

    def check():
        if time.monotonic() > canceled_at:
            message = "canceled"
            raise RunCanceled(message)

    return check, canceled_at


def noise(count, dimensions):
    return np.random.default_rng(0).normal(size=(count, dimensions)).astype(np.float32)


@pytest.mark.parametrize(
    ("work", "count", "dimensions"),
    [
        pytest.param(
            lambda points, check: fit_interruptibly(points, **OPTICS, check=check),
            12_000,
            50,
            id="one-fit",
        ),
        pytest.param(
            lambda points, check: fit_interruptibly(points, **CITY_BLOCKS, check=check),
            12_000,
            50,
            id="a-metric-of-the-package",
        ),
        pytest.param(
            lambda points, check: fit_interruptibly(points, algorithm="auto", check=check),
            8_000,
            50,
            id="auto",
        ),
        pytest.param(
            lambda points, check: reduce(points, [{"method": "tsne"}], check=check),
            12_000,
            50,
            id="tsne",
        ),
        pytest.param(
            lambda points, check: reduce(
                points, [{"method": "umap", "metric": "canberra"}], check=check
            ),
            6_000,
            50,
            id="umap-learn",
        ),
        pytest.param(
            lambda points, check: reduce(points, [{"method": "pca"}], check=check),
            4_000,
            4_096,
            id="pca",
        ),
        pytest.param(
            lambda points, check: reduce(points, [{"method": "whitening"}], check=check),
            4_000,
            4_096,
            id="whitening",
        ),
        pytest.param(
            lambda points, check: divide(
                points, np.zeros(len(points), dtype=np.int64), **OPTICS, check=check
            ),
            12_000,
            50,
            id="one-group-divided",
        ),
        pytest.param(
            lambda points, check: density_validity(points, np.arange(10_000) % 2, check=check),
            10_000,
            50,
            id="density-validity",
        ),
    ],
)
def test_a_cancel_ends_long_work_within_seconds(work, count, dimensions):
    check, canceled_at = cancel(after=1)
    with pytest.raises(RunCanceled):
        work(noise(count, dimensions), check)
    assert time.monotonic() - canceled_at < 5


@pytest.mark.parametrize("step", [{"method": "pca", "n_components": 3}, {"method": "whitening"}])
def test_a_step_done_there_is_the_same(step):
    points = noise(400, 40)
    here = reduce(points, [step])
    context = StepContext(neighborhood=Neighborhood(points), check=never)
    there = in_child(points, resolved_step(step), context)
    np.testing.assert_array_equal(there.vectors, here.vectors)
    assert there.notes.items() <= here.record[0].items()


def test_the_neighbours_that_a_fit_there_wants_are_searched_for_here_and_kept():
    points = passages(300)
    neighbors = Neighborhood(points)
    params = {"n_neighbors": 12}
    there = fit_in_child(points, algorithm="leiden", params=params, neighbors=neighbors)
    assert neighbors.record == {"cosine": {"listed": 14, "searched": 300}}
    assert there.labels.tolist() == fit(points, algorithm="leiden", params=params).labels.tolist()


def test_a_map_made_there_is_the_same():
    points, _ = blobs(300)
    here = reduce(points, [{"method": "tsne"}])
    there = reduce(points, [{"method": "tsne"}], check=lambda: None)
    np.testing.assert_array_equal(there.vectors, here.vectors)
    assert there.record == here.record


def test_a_seed_serves_typed_parameters_there_too():
    points, _ = blobs()
    params = parameters("kmeans", {"n_clusters": 3})
    there = fit_in_child(points, algorithm="kmeans", params=params, random_state=7)
    assert there.record["params"]["random_state"] == 7


def test_a_refusal_comes_back_as_it_was():
    points, _ = blobs()
    with pytest.raises(DoesNotFit, match="set sample_size to") as refused:
        fit_in_child(points, algorithm="spectral", memory_limit=1_000)
    assert refused.value.details["limit_bytes"] == 1_000


def test_parameters_are_checked_there_too():
    with pytest.raises(InvalidParameters, match="it takes: n_clusters"):
        fit_in_child(blobs()[0], algorithm="kmeans", params={"eps": 1.0})


def test_neighbours_of_a_fit_here_serve_what_follows():
    points, _ = blobs(200)
    neighbors = Neighborhood(points)
    fitted = fit_interruptibly(points, algorithm="hdbscan", neighbors=neighbors)
    searched = neighbors.found["euclidean"]
    scores = outlier_scores(points, neighbors=neighbors)
    assert neighbors.found == {"euclidean": searched}
    assert scores.tolist() == outlier_scores(points).tolist()
    assert fitted.labels.tolist() == fit(points, algorithm="hdbscan").labels.tolist()
