"""The groups of the sources, one row each, and which documents they hold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.ids import TOP_ID
from clustering_pipeline.pipeline.run.artifacts import CLUSTERS, EMBEDDINGS, MEMBERS
from clustering_pipeline.pipeline.run.columns import DOCUMENT, FEATURE
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.run.spaces import Matrix, Space
from clustering_pipeline.stores.artifacts.matrices import vector_matrix


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceGroups:
    """The m top groups of the sources over one clustering, and the members that are still there.

    ``names`` are execution and group, ``sizes`` members as the sources counted them, ``centroids``
    (m, d).  ``members`` has a row for each document and source: ``row`` of the document, ``group``
    (-1 for noise), ``probability`` and ``outlier_score`` there.
    """

    names: tuple[tuple[str, str], ...]
    sizes: NDArray[np.int64]
    centroids: Matrix
    members: pl.DataFrame


def source_groups(run: Run, sources: Sequence[ExecutionRecord], space: Space) -> SourceGroups:
    """What the sources found over one clustering, source after source, by size."""
    found = [_groups(run, one, space) for one in sources]
    groups = pl.concat([part.drop("centroid_vector") for part in found])
    names = tuple(groups.select("run_id", "cluster_id").iter_rows())
    empty = np.zeros((0, space.vectors.shape[1]), dtype=np.float32)
    vectors = [vector_matrix(part["centroid_vector"]) for part in found if part.height]
    places = groups.select("run_id", "cluster_id").with_row_index("group")
    keys = run.read_frame(EMBEDDINGS, columns=DOCUMENT).with_row_index("row")
    members = pl.concat([_members(run, one, space) for one in sources])
    return SourceGroups(
        names=names,
        sizes=groups["num_members"].to_numpy().astype(np.int64),
        centroids=np.concatenate([empty, *vectors]),
        members=members.join(keys, on=DOCUMENT, how="inner", maintain_order="left")
        .join(places, on=["run_id", "cluster_id"], how="left", maintain_order="left")
        .select(
            pl.col("row").cast(pl.Int64),
            pl.col("group").cast(pl.Int64).fill_null(-1),
            "probability",
            "outlier_score",
        ),
    )


def _groups(run: Run, source: ExecutionRecord, space: Space) -> pl.DataFrame:
    table = CLUSTERS.read(run.pipeline.artifacts, source)
    top = table.filter((pl.col("hierarchy_level") == 0) & (pl.col(FEATURE) == space.name))
    return top.select(
        pl.lit(source.run_id).alias("run_id"), "cluster_id", "num_members", "centroid_vector"
    )


def _members(run: Run, source: ExecutionRecord, space: Space) -> pl.DataFrame:
    """Where each document is on top of the hierarchy, noise included."""
    columns = [*DOCUMENT, FEATURE, "cluster_id", "probability", "outlier_score"]
    table = MEMBERS.read(run.pipeline.artifacts, source, columns)
    own = table.filter(pl.col(FEATURE) == space.name)
    return own.select(
        *DOCUMENT,
        pl.lit(source.run_id).alias("run_id"),
        pl.col("cluster_id").str.extract(TOP_ID, 0),
        "probability",
        "outlier_score",
    )
