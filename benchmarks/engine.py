"""The engine beside the libraries its users come from, on the sample passages and at scale.

python benchmarks/engine.py                 every row; half an hour on two cores
python benchmarks/engine.py --only auto     only the rows of that name: hdbscan, product, file,
                                            passages, kmeans, metrics, auto
python benchmarks/engine.py --small         every row at a size of seconds, to see that it runs
"""

import os
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from engine_auto import against_recipe
from numpy.typing import NDArray
from passages import stored, timed

from clustering_pipeline import engine
from clustering_pipeline.engine.vectors import unit_rows

LIBRARIES = ("numpy", "scipy", "scikit-learn", "numba", "umap-learn", "hdbscan")
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


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much of each work: passages None is all of the sample."""

    hdbscan: int = 20_000
    file: int = 100_000
    passages: int | None = None
    seeds: int = 5
    kmeans: int = 100_000
    metrics: int = 50_000


SMALL = Size(hdbscan=1_500, file=3_000, passages=600, seeds=2, kmeans=4_000, metrics=4_000)


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=ROWS)
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args()
    print("python    ", sys.version.split()[0])
    print("versions  ", ", ".join(f"{name} {version(name)}" for name in LIBRARIES))
    for name, row in ROWS.items():
        if options.only in {None, name}:
            for line in row(SMALL if options.small else Size()):
                print(f"{name:10}", line, flush=True)


def hdbscan(size: Size) -> Iterator[str]:
    """Exact HDBSCAN against the package."""
    yield from density("package", size.hdbscan)


def product(size: Size) -> Iterator[str]:
    """Exact HDBSCAN against one matrix product of the data with itself."""
    yield from density("product", size.hdbscan)


def file(size: Size) -> Iterator[str]:
    """Exact HDBSCAN of a file in a fresh process, with its peak memory."""
    yield from density("file", size.file)


def density(row: str, count: int) -> Iterator[str]:
    """A row of ``engine_hdbscan.py``, in a process of its own."""
    script = str(Path(__file__).with_name("engine_hdbscan.py"))
    command = [sys.executable, script, "--only", row, "--count", str(count)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    yield from done.stdout.splitlines()[1:]


def passages(size: Size) -> Iterator[str]:
    """UMAP-10 + HDBSCAN on the sample, in fresh processes, imports included."""
    vectors = stored("embedding").to_numpy()[: size.passages]
    with tempfile.TemporaryDirectory() as empty:
        first = fresh(OURS, vectors, 0, NUMBA_CACHE_DIR=empty)
    yield f"ours, nothing compiled before: {first['seconds']:.1f} s"
    fresh(PLAIN, vectors, 0)
    runs = {
        name: [fresh(script, vectors, seed) for seed in range(size.seeds)]
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
            f"{name}: {np.median([run['seconds'] for run in found]):.1f} s "
            f"(median of {size.seeds}), "
            f"DBCV {np.mean(validity):.3f}, noise {noise:.0%}, groups {groups}"
        )


def kmeans(size: Size) -> Iterator[str]:
    """k = 50 on 100,000 x 384, against scikit-learn with the same parameters."""
    from sklearn.cluster import KMeans  # noqa: PLC0415 - heavy

    vectors = embeddings_like(size.kmeans)
    for starts in (1, 4):
        params = {"n_clusters": 50, "n_init": starts, "random_state": 0}
        theirs, their_seconds = timed(KMeans(**params).fit, vectors)
        ours, our_seconds = timed(engine.fit, vectors, algorithm="kmeans", params=params)
        yield (
            f"{starts} start(s): ours {our_seconds:.1f} s, scikit-learn {their_seconds:.1f} s, "
            f"inertia {ours.record['inertia'] / theirs.inertia_:.5f} of its"
        )


def metrics(size: Size) -> Iterator[str]:
    """The contract's metrics over 50,000 documents, and density validity of a reduced space."""
    vectors = embeddings_like(size.metrics)
    labels = engine.fit(
        vectors, algorithm="kmeans", params={"n_clusters": 60, "n_init": 1, "random_state": 0}
    ).labels
    found, seconds = timed(engine.quality, vectors, labels)
    silhouette = f"silhouette {found.silhouette_score:.4f}, exact"
    yield f"{size.metrics:,} documents: {seconds:.1f} s (bar: 10 for 50,000), {silhouette}"
    reduced = engine.reduce(vectors, [{"method": "pca", "n_components": 10}]).vectors
    _, seconds = timed(engine.density_validity, reduced, labels)
    yield f"density validity, 10,000 of them in 10 dimensions: {seconds:.1f} s"


def auto(size: Size) -> Iterator[str]:
    """What is found without being told how, against BERTopic's recipe."""
    yield from against_recipe(size.passages)


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


ROWS = {
    "hdbscan": hdbscan,
    "product": product,
    "file": file,
    "passages": passages,
    "kmeans": kmeans,
    "metrics": metrics,
    "auto": auto,
}

if __name__ == "__main__":
    main()
