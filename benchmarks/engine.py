"""The engine beside the libraries its users come from, on the sample passages and at scale.

python benchmarks/engine.py                 every row; several minutes on two cores
python benchmarks/engine.py --only auto     only the rows of that name: passages, kmeans, metrics,
                                            auto
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from importlib.metadata import version
from importlib.resources import files
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline import engine
from clustering_pipeline.engine.auto.search import search
from clustering_pipeline.engine.silhouette import cosine_silhouettes
from clustering_pipeline.engine.vectors import never, unit_rows

LIBRARIES = ("numpy", "scipy", "scikit-learn", "numba", "umap-learn", "hdbscan")
SEEDS = 5
OURS = """
import sys, time; began = time.perf_counter()
import numpy as np
from clustering_pipeline.engine import fit, reduce
vectors = np.load(sys.argv[1])
steps = [{"method": "umap", "n_components": 10, "n_neighbors": 15, "random_state": SEED}]
reduced = reduce(vectors, steps).vectors
labels = fit(reduced, algorithm="hdbscan", params={"min_cluster_size": 15}).labels
np.savez(sys.argv[2], reduced=reduced, labels=labels, seconds=time.perf_counter() - began)
"""
PLAIN = """
import sys, time; began = time.perf_counter()
import warnings; warnings.simplefilter("ignore")
import numpy as np
import umap, hdbscan
vectors = np.load(sys.argv[1])
model = umap.UMAP(n_components=10, n_neighbors=15, min_dist=0.0, metric="cosine", random_state=SEED)
reduced = model.fit_transform(vectors)
labels = hdbscan.HDBSCAN(min_cluster_size=15).fit(reduced).labels_
np.savez(sys.argv[2], reduced=reduced, labels=labels, seconds=time.perf_counter() - began)
"""


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=ROWS)
    only = parser.parse_args().only
    print("versions  ", ", ".join(f"{name} {version(name)}" for name in LIBRARIES))
    for name, row in ROWS.items():
        if only in {None, name}:
            for line in row():
                print(f"{name:10}", line, flush=True)


def passages() -> Iterator[str]:
    """UMAP-10 + HDBSCAN on the sample, in fresh processes, imports included."""
    vectors = sample()
    with tempfile.TemporaryDirectory() as empty:
        first = fresh(OURS, vectors, 0, NUMBA_CACHE_DIR=empty)
    yield f"ours, nothing compiled before: {first['seconds']:.1f} s"
    fresh(PLAIN, vectors, 0)
    runs = {
        name: [fresh(script, vectors, seed) for seed in range(SEEDS)]
        for name, script in (("ours", OURS), ("umap-learn + hdbscan", PLAIN))
    }
    for name, found in runs.items():
        validity = [
            engine.density_validity(run["reduced"], run["labels"], sample=len(vectors)) or -1.0
            for run in found
        ]
        noise = np.mean([(run["labels"] < 0).mean() for run in found])
        groups = [int(run["labels"].max()) + 1 for run in found]
        yield (
            f"{name}: {np.median([run['seconds'] for run in found]):.1f} s (median of {SEEDS}), "
            f"DBCV {np.mean(validity):.3f}, noise {noise:.0%}, groups {groups}"
        )


def kmeans() -> Iterator[str]:
    """k = 50 on 100,000 x 384, against scikit-learn with the same parameters."""
    from sklearn.cluster import KMeans  # noqa: PLC0415 - heavy

    vectors = embeddings_like(100_000)
    for starts in (1, 4):
        params = {"n_clusters": 50, "n_init": starts, "random_state": 0}
        theirs, their_seconds = timed(KMeans(**params).fit, vectors)
        ours, our_seconds = timed(engine.fit, vectors, algorithm="kmeans", params=params)
        yield (
            f"{starts} start(s): ours {our_seconds:.1f} s, scikit-learn {their_seconds:.1f} s, "
            f"inertia {ours.record['inertia'] / theirs.inertia_:.5f} of its"
        )


def metrics() -> Iterator[str]:
    """The contract's metrics over 50,000 documents, and density validity of a reduced space."""
    vectors = embeddings_like(50_000)
    labels = engine.fit(
        vectors, algorithm="kmeans", params={"n_clusters": 60, "n_init": 1, "random_state": 0}
    ).labels
    found, seconds = timed(engine.quality, vectors, labels)
    yield f"50,000 documents: {seconds:.1f} s, silhouette {found.silhouette_score:.4f}, exact"
    reduced = engine.reduce(vectors, [{"method": "pca", "n_components": 10}]).vectors
    _, seconds = timed(engine.density_validity, reduced, labels)
    yield f"density validity, 10,000 of them in 10 dimensions: {seconds:.1f} s"


def auto() -> Iterator[str]:
    """What is found without being told how, against UMAP-5 (15 neighbours) + HDBSCAN (10)."""
    vectors = sample()
    planted = unit_rows(np.random.default_rng(5).normal(size=(260, vectors.shape[1])))
    mixed = np.vstack([vectors, planted.astype(np.float32)])
    for name, group in (("recipe", recipe), ("auto", chosen)):
        runs = [timed(group, vectors, seed) for seed in range(3)]
        labels = [found for found, _ in runs]
        between = np.mean([rand_index(*pair) for pair in combinations(labels, 2)])
        silhouettes = [float(cosine_silhouettes(vectors, each).mean()) for each in labels]
        left_out = (group(mixed, 0)[len(vectors) :] < 0).mean()
        largest = max(np.bincount(each[each >= 0]).max() / len(vectors) for each in labels)
        yield (
            f"{name}: noise {np.mean([(each < 0).mean() for each in labels]):.1%}, "
            f"silhouette over all {np.mean(silhouettes):.4f}, between seeds {between:.3f}, "
            f"groups {[int(each.max()) + 1 for each in labels]}, largest {largest:.1%}, "
            f"planted noise found {left_out:.0%}, {max(seconds for _, seconds in runs):.0f} s"
        )
    yield from trial_table(vectors)


def trial_table(vectors: NDArray[np.float32]) -> Iterator[str]:
    hood = engine.Neighborhood(vectors)
    yield "trial | groups noise largest silhouette validity stability noise-found score"
    for trial in search(vectors, random_state=0, neighborhood=hood, check=never).trials:
        described = trial.candidate
        values = (
            trial.noise,
            trial.largest,
            trial.silhouette,
            trial.density_validity,
            trial.stability,
            trial.noise_found,
            trial.score,
        )
        numbers = " ".join("-" if value is None else f"{value:.3f}" for value in values)
        settled = "settled" if described["settled"] else ""
        mark = " <- chosen" if trial.is_chosen else ""
        yield (
            f"{described['algorithm']} {json.dumps(described['params'])} {settled} | "
            f"{trial.groups} {numbers}{mark}"
        )


def recipe(vectors: NDArray[np.float32], seed: int) -> NDArray[np.int64]:
    import hdbscan  # noqa: PLC0415 - heavy
    import umap  # noqa: PLC0415 - heavy

    model = umap.UMAP(
        n_components=5, n_neighbors=15, min_dist=0.0, metric="cosine", random_state=seed, n_jobs=1
    )
    labels = hdbscan.HDBSCAN(min_cluster_size=10).fit_predict(model.fit_transform(vectors))
    return np.asarray(labels, dtype=np.int64)


def chosen(vectors: NDArray[np.float32], seed: int) -> NDArray[np.int64]:
    return engine.cluster(vectors, algorithm="auto", random_state=seed).labels


def rand_index(first: NDArray[np.int64], second: NDArray[np.int64]) -> float:
    from sklearn.metrics import adjusted_rand_score  # noqa: PLC0415 - heavy

    return float(adjusted_rand_score(first, second))


def sample() -> NDArray[np.float32]:
    file = files("clustering_pipeline.local").joinpath("data/state_of_the_union.parquet")
    return pl.read_parquet(file.read_bytes(), columns=["embedding"])["embedding"].to_numpy()


def embeddings_like(count: int, topics: int = 60, dimensions: int = 384) -> NDArray[np.float32]:
    rng = np.random.default_rng(0)
    middles = rng.normal(size=(topics, dimensions)).astype(np.float32)
    middles /= np.linalg.norm(middles, axis=1, keepdims=True)
    vectors = middles[rng.integers(0, topics, count)]
    vectors += rng.normal(scale=0.05, size=vectors.shape).astype(np.float32)
    return unit_rows(vectors).astype(np.float32)


def fresh(
    script: str, vectors: NDArray[np.float32], seed: int, **environment: str
) -> dict[str, Any]:
    """What a script saves, run in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/vectors.npy", vectors)
        command = [sys.executable, "-c", script.replace("SEED", str(seed))]
        arguments = [f"{folder}/vectors.npy", f"{folder}/answer.npz"]
        subprocess.run(command + arguments, check=True, env=os.environ | environment)
        with np.load(f"{folder}/answer.npz") as answer:
            return {name: answer[name] for name in answer.files}


def timed(work: Callable[..., Any], *given: Any, **named: Any) -> tuple[Any, float]:
    began = time.perf_counter()
    return work(*given, **named), time.perf_counter() - began


ROWS = {"passages": passages, "kmeans": kmeans, "metrics": metrics, "auto": auto}

if __name__ == "__main__":
    main()
