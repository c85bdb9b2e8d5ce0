"""The published run that documents join: whether they can, and which are as it saw them."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline.model.definitions.composite import COMPOSITE
from clustering_pipeline.model.definitions.spec import ClusterSpec
from clustering_pipeline.model.errors import InvalidRequest, StateConflict
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.executions.group_edits import ClusterEdits
from clustering_pipeline.pipeline.run.artifacts import EMBEDDINGS, KNOWN, KNOWN_RECORD
from clustering_pipeline.pipeline.run.columns import ROW
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.run.spaces import Space

IN_FULL = "execute it in mode full (on the command line: without --assign)"
WITHOUT_POOL = "execute it in mode full without from_pool (on the command line: --from-pool)"
"""For clients that choose a mode, and for people who choose a flag."""
REGROUPING = ("merge", "split", "must_link", "cannot_link")
"""Edits that move documents between groups that are there; the others can be done at any time."""


def groups_to_join(
    pipeline: Pipeline, spec: ClusterSpec, published: ExecutionRecord | None, edits: ClusterEdits
) -> ExecutionRecord:
    """The published run, when its groups are of the vectors that the definition uses now.

    Raises InvalidRequest where attributes make the groups, and StateConflict where a full run has
    to come first: because there are no groups, because their vectors are others, or because people
    want others by now.
    """
    fix = WITHOUT_POOL if spec.from_pool else IN_FULL
    if spec.attributes is not None:
        message = (
            f"documents are compared by their vectors to join groups, and attributes make the "
            f"groups of {spec.cluster_name!r}: {fix}"
        )
        raise InvalidRequest(message)
    if spec.definition.source_cluster_ids:
        message = (
            f"{spec.cluster_name!r} groups the groups of other definitions: execute those in mode "
            "assign, then this one"
        )
        raise InvalidRequest(message)
    if published is None or published.spec is None:
        message = f"{spec.cluster_name!r} has published no groups yet: {fix}"
        raise StateConflict(message)
    if problem := _unlike(pipeline, spec, published, edits):
        message = f"{problem}: {fix}"
        raise StateConflict(message)
    return published


def _unlike(
    pipeline: Pipeline, spec: ClusterSpec, published: ExecutionRecord, edits: ClusterEdits
) -> str | None:
    """Why the published groups are not those that documents are to join."""
    name, run_id = repr(spec.cluster_name), published.run_id
    then = published.spec
    if then is None or then.mode == COMPOSITE:
        return f"{run_id}, which {name} shows, grouped groups of other executions"
    if _vectors_of(spec) != _vectors_of(then):
        return f"{name} compares documents in another way than {run_id} did"
    if not EMBEDDINGS.exists(pipeline.artifacts, published):
        return f"the vectors of {run_id} are not kept, which {name} shows"
    before = published.edits or ClusterEdits()
    kinds = [kind for kind in REGROUPING if getattr(edits, kind) != getattr(before, kind)]
    if kinds:
        return f"the edits of {name} have another {' and '.join(kinds)} since {run_id}"
    return None


def _vectors_of(spec: ClusterSpec) -> tuple[Any, ...]:
    """What a document is compared by."""
    config = spec.definition.vector_config
    shape = (config.normalize_features, config.effective_feature_method) if config else ()
    return (dict(spec.clusterings), *shape)


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
