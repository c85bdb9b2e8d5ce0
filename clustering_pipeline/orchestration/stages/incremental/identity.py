"""The groups of a run that makes none: who they are, and how they grew or shrank."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import polars as pl

from clustering_pipeline.engine.hierarchy import group_id
from clustering_pipeline.engine.identity import compare
from clustering_pipeline.engine.identity.numbers import TOP
from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.orchestration.events import told
from clustering_pipeline.orchestration.identities import (
    IDENTITY,
    generation_of,
    generation_of_run,
    keep_groups,
    path_of,
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
    }
    keep_groups(run, rows, _counted(_known(before), born) | record)


def next_number(before: Run) -> int:
    """That of the first group on top that is made beside those of the published run."""
    known = _known(before).get("following") or {}
    taken = [int(path_of(one)[0]) for one in _shown(before)]
    return max([int(known.get(TOP, 0)), *(number + 1 for number in taken)])


def _shown(before: Run) -> list[str]:
    ids = before.read_frame("assignments", columns=["cluster_id"])["cluster_id"].unique()
    return [str(one) for one in ids if one != NOISE_ID]


def _counted(known: dict[str, Any], born: Mapping[str, str]) -> dict[str, Any]:
    """What is known, when those numbers are taken too."""
    if not born:
        return known
    after = max(path_of(one)[0] for one in born) + 1
    return known | {"following": (known.get("following") or {}) | {TOP: after}}


def _known(before: Run) -> dict[str, Any]:
    """What later runs compare with: the numbers that are taken, and what was found before edits."""
    there = before.pipeline.artifacts.exists(before.source(f"{IDENTITY}.json"))
    known: dict[str, Any] = before.read_json(IDENTITY) if there else {}
    return {name: known[name] for name in ("following", "found") if name in known}
