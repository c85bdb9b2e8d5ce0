"""Which documents are as the published run saw them."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline.model.errors import StateConflict
from clustering_pipeline.orchestration.frames import vector_matrix
from clustering_pipeline.orchestration.incremental import groups_to_join
from clustering_pipeline.orchestration.run import Run
from clustering_pipeline.orchestration.stages.inputs import vector_columns

_DOCUMENT = ["collection_id", "point_id"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """``rows`` (n,): where the published run has each document; -1 for new and changed ones."""

    rows: NDArray[np.int64]
    changed: int
    """Documents that were there with another vector."""
    removed: int
    """Documents that were there and are selected no more."""

    @property
    def fresh(self) -> NDArray[np.int64]:
        """The documents to be assigned."""
        return np.flatnonzero(self.rows < 0)


def earlier(run: Run) -> Run:
    """The published run, to be read like this one."""
    return replace(run, execution=groups_to_join(run.pipeline, run.spec, run.published))


def known_documents(run: Run, before: Run) -> Known:
    """Compares ids and vectors; a payload that changed does not move a document."""
    columns = list(vector_columns(run).values())
    now = run.read_frame("embeddings", columns=[*_DOCUMENT, *columns])
    then = before.read_frame("embeddings", columns=[*_DOCUMENT, *columns])
    places = then.select(_DOCUMENT).with_row_index("place")
    joined = now.select(_DOCUMENT).join(places, on=_DOCUMENT, how="left", maintain_order="left")
    rows = joined["place"].cast(pl.Int64).fill_null(-1).to_numpy().copy()
    there = np.flatnonzero(rows >= 0)
    same = np.ones(len(there), dtype=np.bool_)
    for column in columns:
        same &= _equal(now[column], then[column], there, rows[there])
    rows[there[~same]] = -1
    return Known(rows=rows, changed=int((~same).sum()), removed=then.height - len(there))


def _equal(
    now: pl.Series, then: pl.Series, here: NDArray[np.int64], there: NDArray[np.int64]
) -> NDArray[np.bool_]:
    new, old = vector_matrix(now), vector_matrix(then)
    if new.shape[1] != old.shape[1]:
        message = (
            f"vectors have {new.shape[1]} dimensions and had {old.shape[1]}: execute in mode full"
        )
        raise StateConflict(message)
    return (new[here] == old[there]).all(axis=1)
