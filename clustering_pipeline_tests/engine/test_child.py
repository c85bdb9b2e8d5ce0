"""A fit in a process of its own answers like one here, and can be ended."""

import time

import numpy as np
import pytest

from clustering_pipeline.engine import fit, fit_in_child
from clustering_pipeline.model.algorithms import parameters
from clustering_pipeline.model.errors import DoesNotFit, InvalidParameters, RunCanceled
from clustering_pipeline_tests.engine.data import blobs


def test_the_answer_is_the_same():
    points, _ = blobs()
    params = parameters("kmeans", {"n_clusters": 3})
    here, there = (run(points, algorithm="kmeans", params=params) for run in (fit, fit_in_child))
    assert there.labels.tolist() == here.labels.tolist()
    assert there.probabilities.tolist() == here.probabilities.tolist()
    assert there.record == here.record


def test_a_cancel_ends_a_long_fit_within_seconds():
    points = np.random.default_rng(0).normal(size=(6_000, 50)).astype(np.float32)
    canceled_at = time.monotonic() + 2

    def check():
        if time.monotonic() > canceled_at:
            message = "canceled"
            raise RunCanceled(message)

    with pytest.raises(RunCanceled):
        fit_in_child(points, algorithm="optics", check=check)
    assert time.monotonic() - canceled_at < 5


def test_a_refusal_comes_back_as_it_was():
    points, _ = blobs()
    with pytest.raises(DoesNotFit, match="set sample_size to") as refused:
        fit_in_child(points, algorithm="spectral", memory_limit=1_000)
    assert refused.value.details["limit_bytes"] == 1_000


def test_parameters_are_checked_there_too():
    with pytest.raises(InvalidParameters, match="it takes: n_clusters"):
        fit_in_child(blobs()[0], algorithm="kmeans", params={"eps": 1.0})
