"""The neighbours that one stage searched for and the next one uses."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline import engine
from clustering_pipeline.engine.vectors import unit_rows
from clustering_pipeline.model.progress import Check
from clustering_pipeline.pipeline.run.artifacts import NEIGHBORS, REDUCTION
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


def kept_neighborhood(
    run: Run, vectors: Matrix, *, name: str, most: int, check: Check
) -> engine.Neighborhood:
    """The neighbourhood of ``vectors``, with what was searched for them before.

    ``most`` is how many neighbours anybody will ask for.  Lists of other vectors are of no use.
    """
    hood = engine.Neighborhood(vectors, check, least=most)
    if not run.has(NEIGHBORS):
        return hood
    records = run.read_json(REDUCTION).get("neighbors") or ()
    record = next((entry for entry in records if entry[FEATURE] == name), None)
    scaled = None if record is None else _scaled(vectors, record["of"])
    if record is not None and scaled is not None:
        hood.learn(_lists(run, name), record["metric"], source=SOURCE, scaled=scaled)
    return hood


def _scaled(vectors: Matrix, of: str) -> bool | None:
    """Whether the vectors of that digest are these as they are, or scaled to length one."""
    if engine.digest(vectors)["sha256"] == of:
        return False
    return True if engine.digest(unit_rows(vectors))["sha256"] == of else None


def _lists(run: Run, name: str) -> NDArray[np.int64]:
    frame = run.read_frame(NEIGHBORS).filter(pl.col(PLACE) == name)
    width = len(frame[LISTED][0])
    return frame[LISTED].cast(pl.Array(pl.Int32, width)).to_numpy().astype(np.int64)
