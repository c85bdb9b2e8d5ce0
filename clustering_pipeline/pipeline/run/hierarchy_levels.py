"""A hierarchy read level by level: on each, every document is in at most one group."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from clustering_pipeline.engine.groups.hierarchy import Path
from clustering_pipeline.engine.vectors import NOISE, Labels
from clustering_pipeline.model.ids import NOISE_ID

SUB = "_sub_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """``labels`` (n,) are places in ``cluster_ids``, -1 where the document is in none of them."""

    number: int
    cluster_ids: tuple[str, ...]
    labels: Labels

    def parents(self) -> list[str | None]:
        """The group around each group; None on top."""
        return [one.rpartition(SUB)[0] or None for one in self.cluster_ids]


def levels(cluster_ids: pl.Series, features: pl.Series | None = None) -> Iterator[Level]:
    """From the top down, one at least; ``cluster_ids`` holds each document's deepest group.

    With the feature of each row, the levels of each feature's clustering come apart.
    """
    if features is None or features.n_unique() < 2:
        yield from _levels(cluster_ids)
        return
    for feature in features.unique(maintain_order=True):
        own = pl.when(features == feature).then(cluster_ids).otherwise(pl.lit(NOISE_ID))
        yield from _levels(pl.select(own).to_series())


def _levels(cluster_ids: pl.Series) -> Iterator[Level]:
    deepest = [one.split(SUB) for one in cluster_ids.unique().to_list() if one != NOISE_ID]
    for number in range(max(map(len, deepest), default=1)):
        ancestors = {
            SUB.join(one): SUB.join(one[: number + 1]) for one in deepest if number < len(one)
        }
        names = tuple(sorted(set(ancestors.values()), key=_order))
        places = {deep: names.index(name) for deep, name in ancestors.items()}
        labels = cluster_ids.replace_strict(places, default=NOISE, return_dtype=pl.Int64).to_numpy()
        yield Level(number=number, cluster_ids=names, labels=np.asarray(labels))


def _order(cluster_id: str) -> tuple[int, ...]:
    """By number, not by text: ``cl_10`` comes after ``cl_9``."""
    return tuple(int(part.removeprefix("cl_")) for part in cluster_id.split(SUB))


_SUB = "_sub_"


def path_of(cluster_id: str) -> Path:
    """``(3, 1)`` of ``cl_3_sub_1``."""
    return tuple(int(part) for part in cluster_id.removeprefix("cl_").split(_SUB))
