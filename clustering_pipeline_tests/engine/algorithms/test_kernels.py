"""Every algorithm answers the same on another processor, whose linear algebra rounds otherwise."""

import pytest

from clustering_pipeline.engine.algorithms import names
from clustering_pipeline_tests.engine.algorithms.kernels import (
    Answers,
    Kernel,
    answers,
    answers_under,
    assert_alike,
    supported,
)
from clustering_pipeline_tests.engine.data import passages

FITS = [
    ("agglomerative", {"n_clusters": 8}),
    ("agglomerative", {"n_clusters": 8, "linkage": "average", "affinity": "cosine"}),
    ("auto", {}),
    ("dbscan", {"eps": 0.8, "min_samples": 4}),
    ("dbscan", {"eps": 0.3, "min_samples": 4, "metric": "cosine"}),
    *(
        ("gaussian_mixture", {"n_components": 4, "covariance_type": covariance})
        for covariance in ("full", "tied", "diag", "spherical")
    ),
    ("hdbscan", {"min_cluster_size": 5}),
    ("hdbscan", {"min_cluster_size": 5, "metric": "cosine"}),
    ("hdbscan", {"min_cluster_size": 5, "metric": "manhattan"}),
    ("kmeans", {"n_clusters": 8, "n_init": 3}),
    ("kmeans", {"n_clusters": 8, "n_init": 3, "algorithm": "elkan"}),
    ("leiden", {"n_neighbors": 10}),
    ("mean_shift", {"bandwidth_quantile": 0.1}),
    ("optics", {"min_samples": 5}),
    ("optics", {"min_samples": 5, "metric": "cosine"}),
    ("spectral", {"n_clusters": 6}),
    ("spectral", {"n_clusters": 6, "affinity": "nearest_neighbors"}),
]
REQUEST = {
    "fits": FITS,
    "preprocessing": [[], [{"method": "umap", "n_components": 5}]],
    "reductions": [
        [{"method": "pca", "n_components": 10}],
        [{"method": "whitening"}],
        [{"method": "umap", "n_components": 5}],
    ],
}


@pytest.fixture(scope="module")
def vectors():
    return passages(200)


@pytest.fixture(scope="module")
def here(vectors) -> Answers:
    return answers(REQUEST, vectors)


def test_every_algorithm_is_here_or_in_the_file_of_evoc():
    assert {algorithm for algorithm, _ in FITS} == set(names()) - {"evoc"}


@pytest.mark.parametrize("kernel", supported(), ids=lambda kernel: kernel.name)
def test_another_kernel_answers_the_same(kernel: Kernel, here: Answers, vectors, tmp_path):
    there = answers_under(kernel, REQUEST, vectors, tmp_path)
    assert there.kernels <= kernel.reported
    assert_alike(here, there)
