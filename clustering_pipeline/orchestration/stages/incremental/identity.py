"""The groups of a run that makes none: who they are, and how they grew or shrank."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import polars as pl

from clustering_pipeline.engine.groups.hierarchy import group_id
from clustering_pipeline.engine.identity import compare
from clustering_pipeline.orchestration.events import told
from clustering_pipeline.orchestration.identities import (
    IDENTITY,
    generation_of,
    generation_of_run,
    keep_groups,
)
from clustering_pipeline.orchestration.run import Run

_SAME = {"matched_by": "members", "score": 1.0}
_NEW = {"previous_cluster_id": None, "matched_by": None, "score": None}


def same_groups(
    run: Run, before: Run, frame: pl.DataFrame, born: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Every group that has a member left is the one of its id in the published run.

    ``born`` are groups that it did not have, with their uids.
    """
    earlier = generation_of_run(run.pipeline, before.execution)
    uids = dict(zip(map(group_id, earlier.paths), earlier.uids, strict=True))
    now = generation_of(frame, uids=uids | dict(born))
    by_path = dict(zip(now.paths, now.uids, strict=True))
    rows = [
        {
            "cluster_id": group_id(path),
            "group_uid": uid,
            "parent_group_uid": by_path.get(path[:-1]),
            **(_NEW if group_id(path) in born else _SAME | {"previous_cluster_id": group_id(path)}),
        }
        for path, uid in by_path.items()
    ]
    events = told(compare(earlier, now), now, now.paths, now.uids, earlier)
    record = {
        "previous_run_id": before.run_id,
        "events": [one.model_dump(mode="json") for one in events],
        "found": _found(before),
    }
    keep_groups(run, rows, record)


def _found(before: Run) -> Any:
    """The groups as an algorithm found them, where people wanted others."""
    there = before.pipeline.artifacts.exists(before.source(f"{IDENTITY}.json"))
    return before.read_json(IDENTITY).get("found") if there else None
