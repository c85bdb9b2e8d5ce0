import os
import subprocess
import sys

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from clustering_pipeline.engine.neighbors.graph import nearest_neighbors
from clustering_pipeline.engine.neighbors.neighborhood import Neighborhood
from clustering_pipeline.model.errors import InvalidVectors
from clustering_pipeline_tests.engine.hdbscan.cases import CASES, distances_of, embeddings_like

cases = pytest.mark.parametrize(
    "vectors", [pytest.param(make, id=name) for name, make in CASES.items()]
)


@cases
@pytest.mark.parametrize("k", [5, 32])
def test_neighbors_are_those_of_brute_force(vectors, k):
    vectors = vectors()
    distances = distances_of(vectors)
    np.fill_diagonal(distances, np.inf)
    nearest = np.argsort(distances, axis=1, kind="stable")[:, : min(k, len(vectors) - 1)]

    graph = nearest_neighbors(vectors, k)

    np.testing.assert_array_equal(graph.indices, nearest)
    np.testing.assert_array_equal(graph.distances, np.take_along_axis(distances, nearest, axis=1))


def test_a_single_vector_has_no_neighbors():
    graph = nearest_neighbors(np.ones((1, 3), dtype=np.float32), 5)
    assert (graph.indices.shape, graph.distances.shape) == ((1, 0), (1, 0))


def test_cosine_distance_is_one_less_the_cosine():
    vectors = embeddings_like(100) * np.linspace(1, 9, 100, dtype=np.float32)[:, None]
    graph = nearest_neighbors(vectors, 7, "cosine")
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = np.einsum("id,ikd->ik", unit, unit[graph.indices])
    np.testing.assert_allclose(graph.distances, 1 - cosines, atol=1e-6)
    assert graph.metric == "cosine"


def test_the_first_neighbors_are_a_shorter_search():
    vectors = embeddings_like(100)
    shorter, longer = nearest_neighbors(vectors, 4), nearest_neighbors(vectors, 20)
    np.testing.assert_array_equal(longer.first(4).indices, shorter.indices)
    np.testing.assert_array_equal(longer.first(4).distances, shorter.distances)


def test_values_whose_squares_overflow_are_refused():
    vectors = embeddings_like(10, dtype=np.float64)
    vectors[3, 2] = -1e200
    with pytest.raises(InvalidVectors, match="scale the vectors down"):
        nearest_neighbors(vectors, 3)


class Stop(Exception):
    pass


@pytest.mark.parametrize("dimensions", [3, 64])
def test_a_search_ends_when_the_check_says_so(dimensions):
    def stop():
        raise Stop

    with pytest.raises(Stop):
        nearest_neighbors(embeddings_like(100, dimensions=dimensions), 3, check=stop)


PRINT_DIGEST = """
from hashlib import sha256
from clustering_pipeline.engine.hdbscan import fit_hdbscan
from clustering_pipeline_tests.engine.hdbscan.cases import embeddings_like
fit = fit_hdbscan(embeddings_like(700), min_cluster_size=5)
digest = sha256()
for each in (fit.labels, fit.probabilities, fit.outlier_scores, fit.spanning_tree.weight):
    digest.update(each.tobytes())
print(digest.hexdigest())
"""


def test_threads_and_processes_change_nothing():
    program = [sys.executable, "-c", PRINT_DIGEST]
    settings = [
        {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        {"OPENBLAS_NUM_THREADS": "2"},
    ]
    digests = {
        subprocess.run(
            program, env=os.environ | each, check=True, capture_output=True, text=True
        ).stdout
        for each in settings
    }
    assert len(digests) == 1


@pytest.mark.parametrize("count", [1, 2, 300])
def test_equal_city_block_distances_go_by_row_whatever_the_number_of_threads(count):
    vectors = np.random.default_rng(0).integers(0, 4, size=(count, 5)).astype(np.float32)
    k = min(10, count - 1)
    true = np.abs(vectors[:, None] - vectors).sum(axis=2)
    np.fill_diagonal(true, np.inf)
    for threads in (1, 2):
        with threadpool_limits(threads):
            found = Neighborhood(vectors).nearest(10, "manhattan")
        np.testing.assert_array_equal(found.indices, np.argsort(true, axis=1, kind="stable")[:, :k])
        np.testing.assert_array_equal(found.distances, np.sort(true, axis=1)[:, :k])
