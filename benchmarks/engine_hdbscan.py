"""Exact HDBSCAN against the hdbscan package, one matrix product, and a large file.

python benchmarks/engine_hdbscan.py            every row; the package alone takes minutes
python benchmarks/engine_hdbscan.py --only file  only the rows of that name: package, product, file
"""

import json
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.hdbscan import HDBSCANFit, fit_hdbscan

Result = TypeVar("Result")

DIMENSIONS = 384
TOPICS = 60
MIN_CLUSTER_SIZE = 20
MIN_SAMPLES = 5


def embeddings_like(count: int, seed: int = 0) -> NDArray[np.float32]:
    """Unit vectors of sixty topics of unequal size, each spread over twelve directions."""
    rng = np.random.default_rng(seed)
    centers = rng.standard_normal((TOPICS, DIMENSIONS))
    centers /= np.linalg.norm(centers, axis=1, keepdims=True)
    topic = rng.choice(TOPICS, size=count, p=rng.dirichlet(np.full(TOPICS, 2.0)))
    directions = rng.standard_normal((TOPICS, 12, DIMENSIONS)) / np.sqrt(DIMENSIONS)
    vectors = np.empty((count, DIMENSIONS), dtype=np.float32)
    for each in range(TOPICS):
        members = np.flatnonzero(topic == each)
        spread = rng.standard_normal((len(members), 12)) / np.sqrt(12)
        vectors[members] = centers[each] + 0.9 * spread @ directions[each]
    vectors += 0.02 * rng.standard_normal(vectors.shape, dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def mostly_noise(count: int, seed: int = 0) -> NDArray[np.float32]:
    """Nine in ten unit vectors point anywhere."""
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((count, DIMENSIONS), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[: count // 10] = embeddings_like(count // 10, seed)
    return vectors


KINDS = {"embeddings-like": embeddings_like, "mostly noise": mostly_noise}


def fit(vectors: NDArray[np.float32]) -> HDBSCANFit:
    return fit_hdbscan(vectors, min_cluster_size=MIN_CLUSTER_SIZE, min_samples=MIN_SAMPLES)


def against_package(count: int) -> Iterator[str]:
    """Both in this process, three fits of ours on either side of theirs."""
    from hdbscan import HDBSCAN  # noqa: PLC0415 - the timed process of a file has no use for it

    vectors = embeddings_like(count)
    rounds = [timed(lambda: fit(vectors)) for _ in range(3)]
    reference = HDBSCAN(
        min_cluster_size=MIN_CLUSTER_SIZE,
        min_samples=MIN_SAMPLES,
        approx_min_span_tree=False,
        gen_min_span_tree=True,
    )
    theirs, package = timed(lambda: reference.fit(vectors))
    rounds += [timed(lambda: fit(vectors)) for _ in range(3)]
    weights = np.sort(package.minimum_spanning_tree_.to_numpy()[:, 2])
    off = np.abs(weights - rounds[0][1].spanning_tree.weight).max()
    seconds = [each for each, _ in rounds]
    ours = float(np.median(seconds))
    yield (
        f"{count} x {DIMENSIONS}: ours {ours:.1f} s (median of {min(seconds):.1f} to "
        f"{max(seconds):.1f} s), hdbscan {theirs:.1f} s, {theirs / ours:.1f} times faster "
        f"(bar: 20); tree weights differ by {off:.1e} at most"
    )


def against_product(count: int) -> Iterator[str]:
    """Three rounds of a product of the data with itself and a fit, side by side."""
    vectors = embeddings_like(count)
    rounds = [
        (timed(lambda: vectors @ vectors.T)[0], timed(lambda: fit(vectors))[0]) for _ in range(3)
    ]
    for product, ours in rounds:
        yield (
            f"{count} x {DIMENSIONS}: one float32 product {product:.2f} s, fit {ours:.2f} s, "
            f"ratio {ours / product:.2f} (bar: 3)"
        )


def from_file(count: int) -> Iterator[str]:
    """A fresh process per kind of data, imports included."""
    with tempfile.TemporaryDirectory() as folder:
        for kind, make in KINDS.items():
            path = Path(folder, "vectors.npy")
            np.save(path, make(count))
            seconds, child = timed(
                lambda path=path: subprocess.run(
                    [sys.executable, __file__, "--fit", str(path)], check=True, capture_output=True
                )
            )
            told = json.loads(child.stdout)
            yield (
                f"{count} x {DIMENSIONS} {kind}: {seconds:.0f} s (bar: 600) with "
                f"{told['cpu_seconds']:.0f} s of CPU, peak "
                f"{told['peak_mb']:.0f} MB (bar: 2000), {told['groups']} groups, "
                f"{told['noise']:.0%} noise"
            )


def fit_file(path: Path) -> str:
    fitted = fit(np.load(path, mmap_mode="r"))
    status = Path("/proc/self/status").read_text()
    peak = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return json.dumps(
        {
            "peak_mb": int(peak) / 1000,
            "cpu_seconds": time.process_time(),
            "groups": int(fitted.labels.max()) + 1,
            "noise": float((fitted.labels < 0).mean()),
        }
    )


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def main() -> None:
    rows = {"package": against_package, "product": against_product, "file": from_file}
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=rows)
    parser.add_argument("--count", type=int, help="documents, instead of the bar's")
    parser.add_argument("--fit", type=Path, help="fit one file and print its peak memory")
    options = parser.parse_args()
    if options.fit:
        print(fit_file(options.fit))
        return
    packages = ("numpy", "scipy", "hdbscan", "scikit-learn")
    print("python", sys.version.split()[0], *(f"{each} {version(each)}" for each in packages))
    fit(embeddings_like(500))
    for name, row in rows.items():
        if options.only in (None, name):
            for line in row(options.count or (100_000 if name == "file" else 20_000)):
                print(line, flush=True)


if __name__ == "__main__":
    main()
