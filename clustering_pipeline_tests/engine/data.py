"""Vectors whose groups are known: made-up ones, scikit-learn's, and passages of speeches."""

from functools import cache
from importlib.resources import files

import numpy as np
import polars as pl
from sklearn import datasets

from clustering_pipeline_tests.sizes import size

PASSAGES = size(ci=1_000, full=5_202)


@cache
def passages(count=PASSAGES):
    """(count, 384) float32 embeddings of the State of the Union sample, spread over all years."""
    file = files("clustering_pipeline.local").joinpath("data/state_of_the_union.parquet")
    frame = pl.read_parquet(file.read_bytes(), columns=["embedding"])
    rows = np.linspace(0, len(frame) - 1, num=count, dtype=np.int64)
    return np.ascontiguousarray(frame["embedding"].to_numpy()[rows])


def blobs(count=300, *, groups=3, dimensions=8, spread=0.05, seed=0, dtype=np.float32):
    """(count, dimensions) points in well separated ``groups``, and the group of each."""
    rng = np.random.default_rng(seed)
    middles = rng.normal(size=(groups, dimensions))
    truth = np.arange(count) % groups
    points = middles[truth] + spread * rng.normal(size=(count, dimensions))
    return points.astype(dtype), truth


def doubled(vectors, seed=0):
    """Every vector twice, one of them twenty times, in any order; and who equals whom."""
    kinds = np.concatenate([np.arange(len(vectors)), np.arange(len(vectors)), np.zeros(18, int)])
    kinds = np.random.default_rng(seed).permutation(kinds)
    return vectors[kinds], kinds


@cache
def digits():
    return datasets.load_digits().data[: size(ci=600, full=1_797)]


@cache
def iris():
    return datasets.load_iris().data


@cache
def moons():
    return datasets.make_moons(n_samples=300, noise=0.05, random_state=0)[0]


DATASETS = {"digits": digits, "iris": iris, "moons": moons, "passages": passages}
