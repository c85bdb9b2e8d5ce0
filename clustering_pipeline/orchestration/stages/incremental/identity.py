"""The groups of a run that makes none: who they are, and how they grew or shrank."""

from typing import Any

import polars as pl

from clustering_pipeline.engine.hierarchy import group_id
from clustering_pipeline.engine.identity import compare
from clustering_pipeline.orchestration.events import told
from clustering_pipeline.orchestration.identities import (
    IDENTITY,
    generation_of,
    generation_of_run,
    keep_groups,
)
from clustering_pipeline.orchestration.run import Run


def same_groups(run: Run, before: Run, frame: pl.DataFrame) -> None:
    """Every group that has a member left is the one of its id in the published run."""
    earlier = generation_of_run(run.pipeline, before.execution)
    uids = dict(zip(map(group_id, earlier.paths), earlier.uids, strict=True))
    now = generation_of(frame, uids=uids)
    by_path = dict(zip(now.paths, now.uids, strict=True))
    rows = [
        {
            "cluster_id": group_id(path),
            "group_uid": uid,
            "parent_group_uid": by_path.get(path[:-1]),
            "previous_cluster_id": group_id(path),
            "matched_by": "members",
            "score": 1.0,
        }
        for path, uid in by_path.items()
    ]
    events = told(compare(earlier, now), now, now.paths, now.uids, earlier)
    record = {
        "previous_run_id": before.run_id,
        "events": [one.model_dump(mode="json") for one in events],
    }
    keep_groups(run, rows, _known(before) | record)


def _known(before: Run) -> dict[str, Any]:
    """What later runs compare with: the numbers that are taken, and what was found before edits."""
    there = before.pipeline.artifacts.exists(before.source(f"{IDENTITY}.json"))
    known: dict[str, Any] = before.read_json(IDENTITY) if there else {}
    return {name: known[name] for name in ("following", "found") if name in known}
