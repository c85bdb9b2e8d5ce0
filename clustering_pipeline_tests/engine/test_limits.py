"""A fit that cannot end well is refused with the numbers and what would fit."""

import numpy as np
import pytest

from clustering_pipeline.engine import cluster, expected_seconds, fit, refuse_what_does_not_fit
from clustering_pipeline.engine.algorithms import algorithm as registered
from clustering_pipeline.engine.algorithms import names
from clustering_pipeline.engine.limits import SHARE, expected_need, free_memory, spoken
from clustering_pipeline.engine.runtime.job import Job
from clustering_pipeline.model.algorithms.registry import parameters
from clustering_pipeline.model.errors import DoesNotFit
from clustering_pipeline_tests.engine.data import blobs


def test_all_distances_that_do_not_fit_are_refused_with_the_sample_that_does():
    points, _ = blobs(2_000)
    with pytest.raises(DoesNotFit) as refused:
        fit(points, algorithm="agglomerative", memory_limit=8_000_000)
    assert refused.value.message == (
        "agglomerative on 2,000 documents of 8 dimensions needs about 32.0 MB, and 8.0 MB may be "
        "used; set sample_size to 1,000 or less (about 1 s)"
    )
    assert refused.value.details == {
        "needed_bytes": 32_000_000,
        "limit_bytes": 8_000_000,
        "sample_size": 1_000,
        "seconds": 0.0,
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
def test_a_run_that_gets_what_is_expected_is_not_refused_by_its_fit(algorithm):
    points, _ = blobs(400)
    job = Job(count=400, dimensions=8, itemsize=4)
    need = expected_need(job, algorithm=algorithm, sample_size=400)
    limit = int(need.memory * SHARE)
    assert refuse_what_does_not_fit(points, algorithm=algorithm, limit=limit) is None
    fewer = expected_need(job, algorithm=algorithm, sample_size=20)
    assert fewer.memory <= need.memory
    assert fewer.seconds <= need.seconds


@pytest.mark.parametrize("algorithm", names())
def test_nothing_fits_in_one_byte(algorithm):
    with pytest.raises(DoesNotFit, match=f"{algorithm} on 40 documents"):
        fit(blobs(40)[0], algorithm=algorithm, memory_limit=0)


@pytest.mark.parametrize(
    ("step", "said"),
    [
        pytest.param({"method": "tsne", "n_components": 5}, "tsne on 2,000", id="every-pair"),
        pytest.param({"method": "umap", "n_components": 2}, "umap on 2,000", id="graph"),
        pytest.param({"method": "pca", "n_components": 2}, "pca on 2,000", id="copy"),
        pytest.param({"method": "whitening"}, "whitening on 2,000", id="two-copies"),
    ],
)
def test_a_step_that_does_not_fit_is_refused_before_anything_is_done(step, said):
    def never_asked():
        raise AssertionError

    points, _ = blobs(2_000)
    with pytest.raises(DoesNotFit, match=said) as refused:
        cluster(
            points,
            algorithm="dbscan",
            preprocessing=[step],
            memory_limit=100_000,
            check=never_asked,
        )
    sample = refused.value.details["sample_size"]
    refuse_what_does_not_fit(
        points[:sample], algorithm="dbscan", preprocessing=[step], limit=100_000
    )


def test_a_fit_is_measured_in_the_dimensions_that_steps_leave():
    points = np.random.default_rng(0).normal(size=(500, 64)).astype(np.float32)
    wanted = {"algorithm": "gaussian_mixture", "params": {"n_components": 10}, "limit": 1_500_000}
    with pytest.raises(DoesNotFit, match="500 documents of 64 dimensions"):
        refuse_what_does_not_fit(points, **wanted)
    refuse_what_does_not_fit(points, **wanted, preprocessing=[{"method": "pca", "n_components": 4}])


def test_what_no_sample_makes_fit_says_so():
    with pytest.raises(DoesNotFit, match="no sample is small enough") as refused:
        fit(blobs(40)[0], algorithm="mean_shift", memory_limit=1_000)
    assert refused.value.details["sample_size"] is None


@pytest.mark.parametrize("algorithm", names())
def test_more_documents_take_longer(algorithm):
    method, params = registered(algorithm), parameters(algorithm, {})
    small, large = (
        method.seconds(Job(count=count, dimensions=384, itemsize=4), params)
        for count in (1_000, 100_000)
    )
    assert 0 < small < large < 1e6


def test_a_fit_that_is_one_long_call_is_known_to_be_long():
    rows = np.zeros((6_000, 384), dtype=np.float32)
    assert expected_seconds(rows, algorithm="agglomerative") > 5
    assert expected_seconds(rows[:300], algorithm="agglomerative") < 1
    assert expected_seconds(rows, algorithm="kmeans", params={"n_clusters": 8}) < 2


@pytest.mark.parametrize("algorithm", ["agglomerative", "mean_shift", "optics", "spectral"])
def test_few_dimensions_do_not_make_a_long_call_short(algorithm):
    assert expected_seconds(np.zeros((12_000, 2), dtype=np.float32), algorithm=algorithm) > 5


def test_a_radius_that_holds_everything_takes_longer():
    points = np.random.default_rng(0).normal(size=(20_000, 2)).astype(np.float32)
    near, far = (
        expected_seconds(points, algorithm="dbscan", params={"eps": eps}) for eps in (1e-3, 1e3)
    )
    assert near < 2
    assert far > 5


def test_factors_of_large_covariances_are_long():
    wide = np.zeros((60, 4_096), dtype=np.float32)
    assert expected_seconds(wide, algorithm="gaussian_mixture") > 5
    narrow = {"covariance_type": "diag"}
    assert expected_seconds(wide, algorithm="gaussian_mixture", params=narrow) < 1


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.1, "1 s"), (80, "80 s"), (600, "10 min"), (7_200, "2 h")]
)
def test_times_are_said_as_people_do(seconds, said):
    assert spoken(seconds) == said


def test_there_is_memory():
    assert free_memory() > 0
    assert np.isfinite(free_memory())
