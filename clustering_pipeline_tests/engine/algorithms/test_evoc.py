"""evoc alone: in a fresh environment whichever test comes first waits minutes for its compiler."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from clustering_pipeline.engine import fit
from clustering_pipeline.engine.runtime.libraries import required
from clustering_pipeline.engine.runtime.threads import one_numba_thread
from clustering_pipeline_tests.engine.algorithms.kernels import (
    answers,
    answers_under,
    assert_alike,
    supported,
)
from clustering_pipeline_tests.engine.data import DATASETS, blobs, doubled, passages

pytestmark = pytest.mark.timeout(1200)


@pytest.mark.parametrize("dataset", ["digits", "passages"])
@pytest.mark.parametrize(
    "params", [{}, {"approx_n_clusters": 12}, {"noise_level": 0.2, "n_neighbors": 10}]
)
def test_labels_equal_the_package_on_one_thread(params, dataset):
    vectors = DATASETS[dataset]()
    numba = required("numba", extra="evoc")
    with one_numba_thread(numba):
        model = required("evoc", extra="evoc").EVoC(random_state=42, base_min_cluster_size=5)
        theirs = model.set_params(**params).fit_predict(vectors.astype(np.float32))
    ours = fit(vectors, algorithm="evoc", params=params)
    assert adjusted_rand_score(theirs, ours.labels) == 1.0


def test_vectors_that_point_one_way_are_one_group_by_angles():
    lengths = np.random.default_rng(0).uniform(0.1, 10, size=(60, 1)).astype(np.float32)
    points = lengths * blobs(1)[0]
    assert fit(points, algorithm="evoc").labels.tolist() == [0] * 60


def test_equal_vectors_are_in_one_group():
    vectors, kinds = doubled(passages(150))
    found = fit(vectors, algorithm="evoc")
    assert 0 < found.record["equal_vectors_moved"] < len(kinds)
    assert len(np.unique(np.column_stack([kinds, found.labels]), axis=0)) == 150


@pytest.mark.parametrize("kernel", supported(), ids=lambda kernel: kernel.name)
def test_another_kernel_of_linear_algebra_answers_the_same(kernel, tmp_path):
    vectors = passages(200)
    request = {"fits": [("evoc", {})], "preprocessing": [[]], "reductions": []}
    assert_alike(answers(request, vectors), answers_under(kernel, request, vectors, tmp_path))
