"""Names that people gave to groups, carried to the groups of the next run."""

from collections.abc import Collection, Iterator

import numpy as np
import polars as pl

from clustering_pipeline.orchestration.run import Run
from clustering_pipeline.orchestration.stages.levels import levels

_MEMBER = ["collection_id", "point_id"]
Members = tuple[int, frozenset[tuple[str, str]]]
"""A level of the hierarchy and the documents of one group on it."""


def carried_names(run: Run, documents: pl.DataFrame) -> dict[str, str]:
    """Group of this run to the name that people gave to the same group of the published run.

    The same group is one with exactly the same members on the same level, as all are when only
    labels are made again.  A group that gained or lost a document has lost its name too: nothing
    follows a group across runs yet.
    """
    published = run.published
    if published is None or not published.label_overrides:
        return {}
    names = published.label_overrides
    members = run.pipeline.artifacts.read_frame(
        published.artifact_key("members.parquet"), columns=[*_MEMBER, "cluster_id"]
    )
    before = {group: names[one] for one, group in _groups(members) if one in names}
    sizes = {len(group) for _level, group in before}
    now = _groups(documents.select(*_MEMBER, "cluster_id"), sizes=sizes)
    return {one: before[group] for one, group in now if group in before}


def _groups(
    members: pl.DataFrame, *, sizes: Collection[int] | None = None
) -> Iterator[tuple[str, Members]]:
    """The groups of all levels, or those of the given sizes."""
    documents = members.select(_MEMBER)
    for level in levels(members["cluster_id"]):
        for number, cluster_id in enumerate(level.cluster_ids):
            rows = np.flatnonzero(level.labels == number)
            if sizes is None or len(rows) in sizes:
                yield cluster_id, (level.number, frozenset(documents[rows].rows()))
