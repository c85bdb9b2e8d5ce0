"""Passages of the State of the Union addresses as documents."""

from importlib.resources import files

import numpy as np
import polars as pl

from clustering_pipeline_tests.worlds.planted import Documents


def passages(years: pl.Expr, *, every: int, first_id: int) -> Documents:
    """Every so many passages of some years."""
    file = files("clustering_pipeline.local") / "data" / "state_of_the_union.parquet"
    found = pl.read_parquet(str(file)).gather_every(every).filter(years)
    vectors = np.asarray(found["embedding"].to_list(), dtype=np.float32)
    payloads = found.drop("embedding").to_dicts()
    ids = list(range(first_id, first_id + found.height))
    return Documents(vectors=vectors, payloads=payloads, ids=ids)
