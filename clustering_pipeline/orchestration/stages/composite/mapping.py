"""Which group of which source went where, under the numbers that readers know."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from clustering_pipeline.engine.vectors import Labels
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.orchestration.run import Run
from clustering_pipeline.orchestration.stages.composite.source_groups import SourceGroups
from clustering_pipeline.orchestration.stages.inputs import Space

MAPPING = "composite"


@dataclass(frozen=True, slots=True, kw_only=True)
class Went:
    """One clustering: the place of each of the m source groups and of each of n documents."""

    space: Space
    groups: SourceGroups
    deepest: Labels
    places: Labels


def keep_mapping(run: Run, sources: Sequence[ExecutionRecord], went: Sequence[Went]) -> None:
    """Writes, for each source, the group that each of its groups went to.

    That is where most documents of the place are, now that people's edits are applied; a group
    whose place no document took is where most of its own documents are, and null when none is left.
    """
    shown = run.read_frame("assignments", columns=["cluster_id"])["cluster_id"]
    found: dict[str, dict[str, str | None]] = {one.run_id: {} for one in sources}
    for part in went:
        for (run_id, group), where in _destinations(part, shown[part.space.rows]):
            found[run_id][group] = where
    told = {"source_execution_ids": list(found), "composite_mapping": found}
    run.write_json(MAPPING, told)
    run.record(**told)


def _destinations(went: Went, shown: pl.Series) -> Iterator[tuple[tuple[str, str], str | None]]:
    places = pl.DataFrame({"place": went.places, "cluster_id": shown})
    of_places = _usual(places, "place")
    held = went.groups.members.with_columns(shown.gather(went.groups.members["row"]))
    of_groups = _usual(held, "group")
    for number, name in enumerate(went.groups.names):
        place = int(went.deepest[number])
        yield name, NOISE_ID if place < 0 else of_places.get(place, of_groups.get(number))


def _usual(rows: pl.DataFrame, key: str) -> dict[int, str]:
    """Key to the group that most of its rows are in; among equals, the first by name."""
    counted = (
        rows.group_by(key, "cluster_id").len().sort("len", "cluster_id", descending=[True, False])
    )
    first = counted.unique(key, keep="first", maintain_order=True)
    return {int(one): str(where) for one, where in first.select(key, "cluster_id").iter_rows()}
