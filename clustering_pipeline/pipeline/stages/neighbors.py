"""The neighbours that one stage searched for and the next one uses."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from clustering_pipeline import engine
from clustering_pipeline.engine.neighbors.conversion import Converted
from clustering_pipeline.engine.vectors import unit_rows
from clustering_pipeline.model.progress import Check
from clustering_pipeline.pipeline.run.artifacts import NEIGHBORS
from clustering_pipeline.pipeline.run.columns import FEATURE
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.run.spaces import Matrix

LISTED = "neighbors"
PLACE = "clustering"
SOURCE = "reduced_embeddings"


def keep_neighbors(run: Run, hoods: Mapping[str, engine.Neighborhood]) -> list[dict[str, Any]]:
    """Writes who is near whom among the fitted documents of each clustering; the record of it.

    Without the distances, which the vectors tell.
    """
    records, parts = [], []
    for name, hood in hoods.items():
        graph = hood.longest
        if graph is None:
            continue
        places = pl.Series(LISTED, graph.indices.astype(np.int32)).cast(pl.List(pl.Int32))
        parts.append(pl.DataFrame({PLACE: [name] * len(hood.vectors)}).with_columns(places))
        records.append(
            {
                FEATURE: name,
                "metric": graph.metric,
                "listed": graph.indices.shape[1],
                "of": engine.digest(hood.vectors)["sha256"],
                "searches": hood.record,
            }
        )
    if parts:
        run.write_frame(NEIGHBORS, pl.concat(parts))
    return records


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KeptNeighbors:
    """Who is near whom among vectors of one digest; ``lists`` has a row for each of them."""

    metric: Converted
    of: str
    lists: pl.Series


def kept_neighbors(run: Run, reduction: Mapping[str, Any]) -> dict[str, KeptNeighbors]:
    """What was searched for the fitted documents of each clustering, by its name."""
    records = reduction.get("neighbors") or ()
    if not records or not run.has(NEIGHBORS):
        return {}
    frame = run.read_frame(NEIGHBORS)
    return {
        record[FEATURE]: KeptNeighbors(
            metric=record["metric"],
            of=record["of"],
            lists=frame.filter(pl.col(PLACE) == record[FEATURE])[LISTED],
        )
        for record in records
    }


def neighborhood(
    vectors: Matrix, kept: KeptNeighbors | None, *, most: int, check: Check
) -> engine.Neighborhood:
    """The neighbourhood of ``vectors``, with what was searched for them before.

    ``most`` is how many neighbours anybody will ask for.  Lists of other vectors are of no use.
    """
    hood = engine.Neighborhood(vectors, check, least=most)
    scaled = None if kept is None else _scaled(vectors, kept.of)
    if kept is not None and scaled is not None:
        width = len(kept.lists[0])
        lists = kept.lists.cast(pl.Array(pl.Int32, width)).to_numpy().astype(np.int64)
        hood.learn(lists, kept.metric, source=SOURCE, scaled=scaled)
    return hood


def _scaled(vectors: Matrix, of: str) -> bool | None:
    """Whether the vectors of that digest are these as they are, or scaled to length one."""
    if engine.digest(vectors)["sha256"] == of:
        return False
    return True if engine.digest(unit_rows(vectors))["sha256"] == of else None
