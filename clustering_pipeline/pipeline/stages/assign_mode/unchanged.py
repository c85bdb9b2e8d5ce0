"""Which documents are as the published run saw them."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline.pipeline.run.artifacts import KNOWN, KNOWN_RECORD
from clustering_pipeline.pipeline.run.columns import ROW
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.run.spaces import Space
from clustering_pipeline.pipeline.stages.assign_mode.eligibility import groups_to_join


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """``rows`` (n,): where the published run has each document; -1 for new and changed ones."""

    rows: NDArray[np.int64]
    changed: int
    """Documents that were there with another vector."""
    removed: int
    """Documents that were there and are selected no more."""
    before: int
    """How many documents the published run has."""

    @property
    def fresh(self) -> NDArray[np.int64]:
        """The documents to be assigned."""
        return np.flatnonzero(self.rows < 0)

    def earlier_rows(self, space: Space) -> slice:
        """The rows of a clustering in the tables of the published run."""
        return slice(space.number * self.before, (space.number + 1) * self.before)


def earlier(run: Run) -> Run:
    """The published run, to be read like this one."""
    execution = groups_to_join(run.pipeline, run.spec, run.published, run.edits)
    return replace(run, execution=execution)


def keep_known(run: Run, known: Known) -> None:
    """For the stages that follow."""
    run.write_frame(KNOWN, pl.DataFrame({ROW: known.rows}))
    counts = {"changed": known.changed, "removed": known.removed, "before": known.before}
    run.write_json(KNOWN_RECORD, counts)


def known_documents(run: Run) -> Known:
    """What the export found."""
    stored, execution = run.pipeline.artifacts, run.execution
    rows = KNOWN.read(stored, execution)[ROW].to_numpy()
    return Known(rows=rows, **KNOWN_RECORD.read(stored, execution))
