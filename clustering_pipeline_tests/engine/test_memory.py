"""A fit that cannot end well is refused with the numbers and what would fit."""

import numpy as np
import pytest

from clustering_pipeline.engine import fit
from clustering_pipeline.engine.algorithms import names
from clustering_pipeline.engine.memory import free_memory
from clustering_pipeline.model.errors import DoesNotFit
from clustering_pipeline_tests.engine.data import blobs


def test_all_distances_that_do_not_fit_are_refused_with_the_sample_that_does():
    points, _ = blobs(2_000)
    with pytest.raises(DoesNotFit) as refused:
        fit(points, algorithm="agglomerative", memory_limit=8_000_000)
    assert refused.value.message == (
        "agglomerative on 2,000 documents of 8 dimensions needs about 32.0 MB, and 8.0 MB may be "
        "used; set sample_size to 1,000 or less"
    )
    assert refused.value.details == {
        "needed_bytes": 32_000_000,
        "limit_bytes": 8_000_000,
        "sample_size": 1_000,
    }


def test_what_the_message_names_does_fit():
    points, _ = blobs(2_000)
    fitted = fit(points[:1_000], algorithm="agglomerative", memory_limit=8_000_000)
    assert len(fitted.labels) == 1_000


def test_single_linkage_needs_no_matrix_of_distances():
    points, _ = blobs(2_000)
    params = {"linkage": "single"}
    assert fit(points, algorithm="agglomerative", params=params, memory_limit=8_000_000)


def test_a_wide_eps_needs_more_than_a_narrow_one():
    points, _ = blobs(1_000)
    with pytest.raises(DoesNotFit):
        fit(points, algorithm="dbscan", params={"eps": 100.0}, memory_limit=10_000_000)
    assert fit(points, algorithm="dbscan", params={"eps": 1e-3}, memory_limit=10_000_000)


@pytest.mark.parametrize("algorithm", names())
def test_nothing_fits_in_one_byte(algorithm):
    with pytest.raises(DoesNotFit, match=f"{algorithm} on 40 documents"):
        fit(blobs(40)[0], algorithm=algorithm, memory_limit=0)


def test_there_is_memory():
    assert free_memory() > 0
    assert np.isfinite(free_memory())
