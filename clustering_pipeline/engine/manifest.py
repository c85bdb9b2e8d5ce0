"""What somebody needs to get the same groups again."""

import hashlib
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from clustering_pipeline.engine.vectors import Vectors

PACKAGES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "numba",
    "hdbscan",
    "umap-learn",
    "pynndescent",
    "leidenalg",
    "igraph",
    "evoc",
)


def digest(vectors: Vectors, *further: Vectors) -> dict[str, object]:
    """The shape, type and SHA-256 of a matrix, or of several with the same rows."""
    matrices = (vectors, *further)
    content = hashlib.sha256()
    for matrix in matrices:
        content.update(np.ascontiguousarray(matrix).data)
    return {
        "documents": int(vectors.shape[0]),
        "dimensions": sum(int(matrix.shape[1]) for matrix in matrices),
        "dtype": vectors.dtype.name,
        "sha256": content.hexdigest(),
    }


def versions() -> dict[str, str]:
    """The versions of the packages whose arithmetic the groups come from."""
    return {name: number for name in PACKAGES if (number := _version(name)) is not None}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
