"""The sample passages, and a stopwatch."""

import time
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import polars as pl


def stored(column: str) -> pl.Series:
    passages = files("clustering_pipeline.local").joinpath("data/state_of_the_union.parquet")
    return pl.read_parquet(passages.read_bytes(), columns=[column])[column]


def timed(work: Callable[..., Any], *given: Any, **named: Any) -> tuple[Any, float]:
    began = time.perf_counter()
    return work(*given, **named), time.perf_counter() - began
