"""A hierarchy read level by level: on each, every document is in at most one group."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from clustering_pipeline.engine.vectors import NOISE, Labels
from clustering_pipeline.model.ids import NOISE_ID, group_id, group_path, parent_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """``labels`` (n,) are places in ``cluster_ids``, -1 where the document is in none of them."""

    number: int
    cluster_ids: tuple[str, ...]
    labels: Labels

    def parents(self) -> list[str | None]:
        """The group around each group; None on top."""
        return [parent_id(group) for group in self.cluster_ids]


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
    deepest = {name: group_path(name) for name in cluster_ids.unique() if name != NOISE_ID}
    for number in range(max(map(len, deepest.values()), default=1)):
        ancestors = {
            name: path[: number + 1] for name, path in deepest.items() if number < len(path)
        }
        paths = sorted(set(ancestors.values()))
        order = {path: place for place, path in enumerate(paths)}
        places = {name: order[path] for name, path in ancestors.items()}
        labels = cluster_ids.replace_strict(places, default=NOISE, return_dtype=pl.Int64).to_numpy()
        names = tuple(map(group_id, paths))
        yield Level(number=number, cluster_ids=names, labels=np.asarray(labels))
