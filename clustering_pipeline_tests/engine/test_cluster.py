"""The one entry: what it answers, what it records, and that it answers the same again."""

import json
import os
import subprocess
import sys

import igraph
import leidenalg
import numpy as np
import pytest
from scipy.sparse import triu
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from clustering_pipeline.engine import Neighborhood, cluster, fit, outlier_scores, sample_rows
from clustering_pipeline.engine.algorithms import names
from clustering_pipeline.engine.algorithms.leiden import PARTITIONS
from clustering_pipeline.engine.layout import fuzzy_graph
from clustering_pipeline.engine.neighbors import outliers
from clustering_pipeline.engine.runtime.libraries import required
from clustering_pipeline.engine.vectors import never
from clustering_pipeline.model.errors import InvalidParameters, RunCanceled
from clustering_pipeline_tests.engine.data import DATASETS, blobs, passages
from clustering_pipeline_tests.engine.hdbscan.cases import CASES, distances_of
from clustering_pipeline_tests.sizes import FULL, size

UMAP = {"method": "umap", "n_components": 5, "n_neighbors": 15}
# Without chance: the order of the documents must not matter.
DETERMINISTIC = {
    "dbscan": {"eps": 0.3},
    "hdbscan": {"min_cluster_size": 10},
    "agglomerative": {"n_clusters": 3},
    "mean_shift": {},
    "optics": {"min_samples": 10, "cluster_method": "dbscan", "eps": 0.3},
}
# evoc compiles for minutes in a fresh environment: one file does at CI size, test_evoc.py.
EVERYWHERE = {
    "kmeans": {"n_clusters": 6, "n_init": 3},
    "gaussian_mixture": {"n_components": 4, "covariance_type": "diag"},
    "spectral": {"n_clusters": 4, "affinity": "nearest_neighbors"},
    "leiden": {"n_neighbors": 10},
    "hdbscan": {"min_cluster_size": 8},
    **({"evoc": {}} if FULL else {}),
}


def test_groups_probabilities_outliers_and_a_record():
    points, truth = blobs(120)
    result = cluster(points, algorithm="hdbscan", params={"min_cluster_size": 15})
    assert adjusted_rand_score(truth, result.labels) > 0.9
    assert result.labels.dtype == np.int64
    assert result.probabilities.dtype == result.outlier_scores.dtype == np.float64
    record = result.record
    assert record["algorithm"] == "hdbscan"
    assert record["params"]["min_cluster_size"] == 15
    assert record["params"]["cluster_selection_method"] == "eom"
    assert record["input"]["documents"] == 120
    assert len(record["input"]["sha256"]) == 64
    assert record["versions"]["scikit-learn"]
    assert (record["fitted"], record["assigned"]) == (120, 0)
    json.dumps(record, allow_nan=False)


@pytest.mark.parametrize("algorithm", [name for name in names() if FULL or name != "evoc"])
def test_every_record_is_json(algorithm):
    result = cluster(blobs(60)[0], algorithm=algorithm, preprocessing=[{"method": "pca"}])
    json.dumps(result.record, allow_nan=False)
    assert result.record["preprocessing"][0]["method"] == "pca"


def test_the_record_says_which_neighbours_were_searched_for():
    points = passages(300)
    reduced = cluster(points, algorithm="leiden", preprocessing=[UMAP])
    searched = {"listed": 16, "searched": 300}
    scored = {"listed": 5, "searched": 0, "from": "cosine"}
    assert reduced.record["neighbors"]["scored"] == {"cosine": searched, "euclidean": scored}
    sampled = cluster(points, algorithm="hdbscan", sample_size=200)
    assert sampled.record["neighbors"] == {
        "fitted": {"euclidean": {"listed": 34, "searched": 200}},
        "scored": {"euclidean": {"listed": 7, "searched": 300}},
    }


def test_the_seed_serves_where_none_is_named():
    points, _ = blobs(90)
    general = cluster(points, algorithm="kmeans", preprocessing=[{"method": "pca"}], random_state=5)
    assert general.record["params"]["random_state"] == 5
    assert general.record["preprocessing"][0]["random_state"] == 5
    named = cluster(points, algorithm="kmeans", params={"random_state": 9}, random_state=5)
    assert named.record["params"]["random_state"] == 9


def test_outliers_are_scored_in_the_original_space():
    points, _ = blobs(200, spread=0.1)
    points[:5] += 100 * np.eye(5, points.shape[1], dtype=np.float32)
    plain = cluster(points, algorithm="kmeans")
    reduced = cluster(points, algorithm="kmeans", preprocessing=[{"method": "pca"}])
    assert plain.outlier_scores.tolist() == reduced.outlier_scores.tolist()
    assert plain.outlier_scores[:5].min() > 0.99
    assert np.median(plain.outlier_scores) < 0.2


def test_planted_noise_stands_out_of_passages():
    vectors = passages(500)
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(50, 384)).astype(np.float32)
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    scores = outlier_scores(np.vstack([vectors, noise]))
    assert scores[500:].min() > np.quantile(scores[:500], 0.95)


def test_among_very_many_documents_outliers_are_sought_by_a_sample():
    points, _ = blobs(400, spread=0.1)
    points[:5] += 100 * np.eye(5, points.shape[1], dtype=np.float32)
    assert outlier_scores(points, many=10).tolist() == outlier_scores(points).tolist()
    some = outlier_scores(points, many=10, sample=100)
    assert some[:5].min() > 0.99
    assert np.median(some) < 0.2


@pytest.mark.parametrize("kind", ["passages", "copies", "far from the origin"])
def test_distances_to_a_sample_are_as_exact_as_others(kind):
    points = {"passages": lambda: passages(300), **CASES}[kind]()
    rows = sample_rows(len(points), 60)
    gaps = distances_of(points)[:, rows]
    gaps[rows, np.arange(60)] = np.inf
    nearest = np.sort(gaps, axis=1)[:, :5].mean(axis=1)
    for threads in (1, 2):
        with threadpool_limits(threads):
            reach = outliers.reach_of_sample(points, 5, 60, never)
        np.testing.assert_allclose(reach, nearest, rtol=1e-12)


def test_a_zero_vector_is_noise_when_neighbours_go_by_angle():
    points, _ = blobs(90)
    points[[3, 50]] = 0
    result = cluster(points, algorithm="kmeans", preprocessing=[UMAP])
    assert np.flatnonzero(result.labels < 0).tolist() == [3, 50]
    assert result.probabilities[[3, 50]].tolist() == [0, 0]
    assert result.record["preprocessing"][0]["zero_vectors"] == 2


@pytest.mark.parametrize("algorithm", DETERMINISTIC)
def test_permuting_the_documents_permutes_the_labels(algorithm):
    points, _ = blobs(150, groups=4, dtype=np.float64)
    order = np.random.default_rng(3).permutation(150)
    params = DETERMINISTIC[algorithm]
    straight = fit(points, algorithm=algorithm, params=params)
    permuted = fit(points[order], algorithm=algorithm, params=params)
    assert adjusted_rand_score(straight.labels[order], permuted.labels) == 1.0
    assert ((straight.labels[order] < 0) == (permuted.labels < 0)).all()


ANSWER = """
import json, sys
import numpy as np
from clustering_pipeline.engine import cluster
vectors = np.load("vectors.npy")
for request in json.load(sys.stdin):
    result = cluster(vectors, **request)
    np.savez(
        request["algorithm"],
        labels=result.labels,
        probabilities=result.probabilities,
        outlier_scores=result.outlier_scores,
    )
"""
LIBRARIES = ("OMP", "OPENBLAS", "MKL", "NUMBA")


def test_another_process_with_another_number_of_threads_answers_the_same(tmp_path):
    vectors = passages(size(ci=400, full=2_000))
    requests = [
        {"algorithm": algorithm, "params": params, "preprocessing": [UMAP]}
        for algorithm, params in EVERYWHERE.items()
    ]
    np.save(tmp_path / "vectors.npy", vectors)
    subprocess.run(
        [sys.executable, "-c", ANSWER],
        input=json.dumps(requests),
        text=True,
        check=True,
        cwd=tmp_path,
        env=os.environ
        | {"NUMBA_CACHE_DIR": str(tmp_path)}  # compiled afresh, not loaded from the cache
        | {f"{library}_NUM_THREADS": "1" for library in LIBRARIES},
    )
    for request in requests:
        here = cluster(vectors, **request)
        with np.load(tmp_path / f"{request['algorithm']}.npz") as there:
            assert (request["algorithm"], there["labels"].tolist()) == (
                request["algorithm"],
                here.labels.tolist(),
            )
            np.testing.assert_allclose(there["probabilities"], here.probabilities, atol=1e-6)
            np.testing.assert_allclose(there["outlier_scores"], here.outlier_scores, atol=1e-6)


@pytest.mark.parametrize("algorithm", ["hdbscan", "kmeans", "leiden"])
def test_a_cancel_reaches_into_the_run(algorithm):
    calls = []

    def check():
        calls.append(1)
        if len(calls) == 3:
            message = "canceled"
            raise RunCanceled(message)

    with pytest.raises(RunCanceled):
        cluster(passages(300), algorithm=algorithm, preprocessing=[UMAP], check=check)
    assert len(calls) == 3


def test_a_missing_package_names_its_extra():
    with pytest.raises(InvalidParameters, match=r"pip install 'clustering-pipeline\[leiden\]'"):
        required("a_package_nobody_has", extra="leiden")


def test_leiden_leaves_small_communities_as_noise():
    points, truth = blobs(120)
    whole = fit(points, algorithm="leiden", params={"n_neighbors": 10, "resolution": 0.01})
    assert adjusted_rand_score(truth, whole.labels) == 1.0
    small = fit(points, algorithm="leiden", params={"n_neighbors": 10, "min_cluster_size": 121})
    assert (small.labels == -1).all()


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("objective", sorted(PARTITIONS))
def test_leiden_equals_leidenalg_on_the_same_graph(objective, dataset):
    vectors = np.unique(DATASETS[dataset](), axis=0)  # equal ones it may tear apart
    params = {"n_neighbors": 12, "objective_function": objective, "random_state": 4}
    ours = fit(vectors, algorithm="leiden", params=params)
    graph = triu(fuzzy_graph(Neighborhood(vectors).nearest(12, "cosine")), k=1).tocoo()
    theirs = leidenalg.find_partition(
        igraph.Graph(
            n=len(vectors),
            edges=zip(graph.row.tolist(), graph.col.tolist(), strict=True),
            edge_attrs={"weight": graph.data.tolist()},
        ),
        getattr(leidenalg, PARTITIONS[objective]),
        weights="weight",
        n_iterations=2,
        seed=4,
    )
    assert adjusted_rand_score(theirs.membership, ours.labels) == 1.0
