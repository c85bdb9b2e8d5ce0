"""Fits under the linear algebra of other processors: the kernels OpenBLAS has for each of them."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_info

from clustering_pipeline.engine import centroids, fit, outlier_scores, quality, reduce

CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """A kernel OpenBLAS takes by ``OPENBLAS_CORETYPE``.

    ``flags`` are those of /proc/cpuinfo that a processor needs for it, and ``reported`` what
    OpenBLAS may call it.
    """

    name: str
    flags: frozenset[str]
    reported: frozenset[str]


ALL = (
    Kernel(name="Haswell", flags=frozenset({"avx2", "fma"}), reported=frozenset({"Haswell"})),
    Kernel(
        name="SkylakeX",
        flags=frozenset({"avx512f", "avx512bw", "avx512dq", "avx512vl"}),
        reported=frozenset({"SkylakeX"}),
    ),
    # Katmai is the first name in the list that stands for the same kernel.
    Kernel(name="Prescott", flags=frozenset({"pni"}), reported=frozenset({"Katmai", "Prescott"})),
)


def supported() -> list[Kernel]:
    """Those that this processor can run."""
    lines = (line.partition(":") for line in CPUINFO.read_text().splitlines())
    flags = next((value.split() for name, _, value in lines if name.strip() == "flags"), [])
    return [kernel for kernel in ALL if kernel.flags.issubset(flags)]


@dataclass(frozen=True, kw_only=True)
class Answers:
    """By name what was computed, ``arrays`` and lists of ``numbers``, and the ``kernels`` used."""

    arrays: dict[str, NDArray[Any]]
    numbers: dict[str, list[float]]
    kernels: set[str]


def answers(request: Mapping[str, Any], vectors: NDArray[np.floating]) -> Answers:
    """Every fit of the ``request`` on the vectors of every one of its preprocessings.

    Those of its ``reductions`` are only computed.
    """
    arrays: dict[str, NDArray[Any]] = {"outlier scores": outlier_scores(vectors)}
    for steps in request["reductions"]:
        arrays[f"vectors after {steps}"] = reduce(vectors, steps).vectors
    numbers: dict[str, list[float]] = {}
    for steps in request["preprocessing"]:
        reduced = reduce(vectors, steps).vectors
        for algorithm, params in request["fits"]:
            found = fit(reduced, algorithm=algorithm, params=params)
            name = f"{algorithm} {params} after {steps}"
            arrays[f"labels of {name}"] = found.labels
            arrays[f"probabilities of {name}"] = found.probabilities
            arrays[f"centroids of {name}"] = centroids(vectors, found.labels).vectors
            measured = quality(vectors, found.labels, clustered=reduced).contract()
            numbers[name] = numbers_in([found.record, measured])
    return Answers(arrays=arrays, numbers=numbers, kernels=loaded())


def numbers_in(value: object) -> list[float]:
    """Every number in a nested value, in order."""
    if isinstance(value, Mapping):
        return numbers_in(list(value.values()))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [number for each in value for number in numbers_in(each)]
    return [float(value)] if isinstance(value, int | float) else []


def loaded() -> set[str]:
    """What OpenBLAS calls the kernels of this process."""
    libraries = threadpool_info()
    return {one["architecture"] for one in libraries if one["internal_api"] == "openblas"}


def answers_under(
    kernel: Kernel, request: Mapping[str, Any], vectors: NDArray[np.floating], folder: Path
) -> Answers:
    """``answers`` of another process that uses ``kernel``."""
    np.save(folder / "vectors.npy", vectors)
    subprocess.run(
        [sys.executable, "-m", __name__, folder],
        input=json.dumps(request),
        text=True,
        check=True,
        env=os.environ | {"OPENBLAS_CORETYPE": kernel.name},
    )
    told = json.loads((folder / "numbers.json").read_text())
    with np.load(folder / "arrays.npz") as arrays:
        return Answers(arrays=dict(arrays), numbers=told["numbers"], kernels=set(told["kernels"]))


def assert_alike(here: Answers, there: Answers) -> None:
    """Labels are equal, and all numbers up to a millionth."""
    assert there.arrays.keys() == here.arrays.keys()
    for name, array in here.arrays.items():
        exact = array.dtype.kind == "i"
        tolerance = 0 if exact else 1e-6
        np.testing.assert_allclose(
            there.arrays[name], array, rtol=tolerance, atol=tolerance, err_msg=name
        )
    for name, numbers in here.numbers.items():
        np.testing.assert_allclose(there.numbers[name], numbers, rtol=1e-6, atol=1e-6, err_msg=name)


def main(folder: Path) -> None:
    """Leave in ``folder`` the answers to the request on standard input."""
    found = answers(json.load(sys.stdin), np.load(folder / "vectors.npy"))
    np.savez(folder / "arrays.npz", allow_pickle=False, **found.arrays)
    told = {"numbers": found.numbers, "kernels": sorted(found.kernels)}
    (folder / "numbers.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
