"""Keeps the map in place from run to run."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline.engine.alignment import align
from clustering_pipeline.orchestration.frames import AXES, axes_of
from clustering_pipeline.orchestration.run import Run
from clustering_pipeline.orchestration.stages.inputs import FEATURE

_DOCUMENT = ["collection_id", "point_id", FEATURE]


@dataclass(frozen=True, slots=True, kw_only=True)
class Steadied:
    """Where the documents lie now, what was done for it, and why."""

    places: NDArray[np.float32]
    applied: str
    reason: str


def steady(run: Run, rows: NDArray[np.int64], places: NDArray[np.float32]) -> Steadied:
    """Brings the new map in line with the published one; what was done is in the record.

    ``rows`` are the documents' places among those of all clusterings, one after the other.
    """
    found = _steadied(run, rows, places)
    run.record(layout_stability_applied=found.applied, layout_stability_reason=found.reason)
    return found


def _steadied(run: Run, rows: NDArray[np.int64], places: NDArray[np.float32]) -> Steadied:
    wanted = run.spec.vectors.layout_stability or "align"
    if not places.shape[1]:
        return Steadied(places=places, applied="none", reason="the map is deferred")
    if wanted == "none":
        return Steadied(places=places, applied="none", reason="the definition asks for none")
    if run.published is None:
        return Steadied(places=places, applied="none", reason="there is no earlier map")
    return _aligned(places, _shared(run, run.published.members_key, rows), run.published.run_id)


def _aligned(places: NDArray[np.float32], shared: pl.DataFrame, run_id: str) -> Steadied:
    axes = axes_of(shared)
    if len(axes) != places.shape[1]:
        reason = f"the map of {run_id} has {len(axes) or 'no'} dimensions"
        return Steadied(places=places, applied="none", reason=reason)
    if shared.height <= len(axes):
        reason = f"only {shared.height} documents are on the map of {run_id} too"
        return Steadied(places=places, applied="none", reason=reason)
    earlier = shared.select(axes).to_numpy().astype(np.float32)
    placed = align(places, shared["place"].to_numpy(), earlier)
    reason = f"{shared.height} documents are on the map of {run_id} too"
    return Steadied(places=placed, applied="align", reason=reason)


def _shared(run: Run, members_key: str | None, rows: NDArray[np.int64]) -> pl.DataFrame:
    """Where the laid out documents were before: ``place`` among those laid out now, and axes."""
    if members_key is None:
        return pl.DataFrame(schema={"place": pl.Int64})
    before = run.pipeline.artifacts.read_frame(members_key)
    axes = [axis for axis in AXES if axis in before.columns]
    if FEATURE not in before.columns:
        before = before.with_columns(pl.lit(next(iter(run.spec.clusterings))).alias(FEATURE))
    earlier = before.select(*_DOCUMENT, *axes).drop_nulls(axes)
    return _documents(run, rows).join(earlier, on=_DOCUMENT, maintain_order="left")


def _documents(run: Run, rows: NDArray[np.int64]) -> pl.DataFrame:
    keys = run.read_frame("embeddings", columns=_DOCUMENT[:2])
    names = np.array(list(run.spec.clusterings), dtype=object)
    return keys[rows % max(keys.height, 1)].with_columns(
        pl.Series(FEATURE, names[rows // max(keys.height, 1)].tolist(), dtype=pl.String),
        place=pl.Series(range(len(rows)), dtype=pl.Int64),
    )
