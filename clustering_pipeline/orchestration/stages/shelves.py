"""Which groups and members go to which output collection, and by which vectors groups are found."""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from clustering_pipeline.orchestration.run import Run
from clustering_pipeline.orchestration.stages.inputs import FEATURE

CENTROID = "centroid"
VECTOR = "centroid_vector"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """One output collection.

    ``parts`` are its groups by the name of their vector: one, or one for each independent feature.
    """

    alias: str
    parts: dict[str, pl.DataFrame]
    members: pl.DataFrame


def shelves(run: Run, clusters: pl.DataFrame, members: pl.DataFrame) -> Iterator[Shelf]:
    """One collection of everything, or one per feature.

    Of independent features each gets its own groups.  Where they were clustered together all get
    the same groups, each by that feature's part of their vectors.
    """
    aliases = run.pipeline.catalog.clusters.by_id(run.cluster_id).state.output_collection_ids
    if not run.spec.output_features:
        yield Shelf(alias=aliases[0], parts=_by_feature(clusters), members=members)
        return
    independent = len(run.spec.clusterings) > 1
    columns = _columns(run)
    for alias, name in zip(aliases, run.spec.output_features, strict=False):
        own = pl.col(FEATURE) == name if independent else pl.lit(value=True)
        groups = clusters.filter(own)
        if not independent:
            groups = _narrowed(groups, name, *columns[name])
        yield Shelf(alias=alias, parts={CENTROID: groups}, members=members.filter(own))


def _by_feature(clusters: pl.DataFrame) -> dict[str, pl.DataFrame]:
    names = clusters[FEATURE].unique(maintain_order=True).to_list()
    if len(names) < 2:
        return {CENTROID: clusters}
    return {f"{CENTROID}_{name}": clusters.filter(pl.col(FEATURE) == name) for name in names}


def _columns(run: Run) -> dict[str, tuple[int, int]]:
    """Each feature's first number and how many it has where all lie side by side."""
    found: dict[str, tuple[int, int]] = {}
    first = 0
    for name, width in run.read_json("reduction")["dimensions"].items():
        found[name] = (first, width)
        first += width
    return found


def _narrowed(groups: pl.DataFrame, name: str, first: int, width: int) -> pl.DataFrame:
    vectors = pl.col(VECTOR).cast(pl.List(pl.Float32)).list.slice(first, width)
    return groups.with_columns(
        vectors.cast(pl.Array(pl.Float32, width)),
        pl.lit(name).alias(FEATURE),
        feature_dimensions=pl.lit(width, dtype=pl.Int64),
    )
