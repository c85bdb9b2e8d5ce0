"""A run that is cancelled in the middle of a stage ends there."""

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import polars as pl
import psutil
import pytest
from numpy.typing import NDArray

from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.service.executions.finish import cancel
from clustering_pipeline.stores.artifacts import Artifacts
from clustering_pipeline.stores.catalog.definitions.clusters import Clusters
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import KMEANS, World

UMAP = [{"method": "umap", "n_components": 3, "n_neighbors": 10}]
HDBSCAN = {"clustering_method": "hdbscan", "algorithm_params": {"min_cluster_size": 10}}


class Watched(Artifacts):
    """Says which file is about to be read."""

    def __init__(self, plain: Artifacts, told: Callable[[str], None]):
        super().__init__(plain._files, root=plain.root)
        self.told = told

    def read_frame(self, key: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
        self.told(key)
        return super().read_frame(key, columns)

    def read_vectors(self, key: str, column: str) -> NDArray[np.float32]:
        self.told(key)
        return super().read_vectors(key, column)


@pytest.mark.parametrize(
    ("read", "unwritten", "config"),
    [
        pytest.param(
            "embeddings", "reduced.parquet", KMEANS | {"preprocessing_steps": UMAP}, id="reduction"
        ),
        pytest.param("reduced", "assignments.parquet", HDBSCAN, id="fit"),
        pytest.param("reduced", "assignments.parquet", {"clustering_method": "auto"}, id="search"),
    ],
)
def test_a_cancel_ends_the_work_under_way(
    world: World, read: str, unwritten: str, config: dict[str, Any]
) -> None:
    definition = world.define(world.collection(planted()), config)
    stages: list[str] = []

    def cancel_before_work(key: str) -> None:
        # The first stage to read this file is the one that works on it.
        if key.endswith(f"{read}.parquet") and not stages:
            claim = world.pipeline.catalog.clusters.by_id(definition.cluster_id).claim
            stages.append(claim.run_id)
            cancel(world.pipeline.catalog, claim.run_id)

    watched = Watched(world.pipeline.artifacts, cancel_before_work)
    ran = world.over(artifacts=watched).execute(definition)
    assert not ran.result.success
    assert (ran.execution.status, ran.cluster.state.status) == ("canceled", "CANCELED")
    assert not world.pipeline.artifacts.exists(ran.execution.artifact_key(unwritten))
    assert ran.cluster.claim is None


@dataclass(frozen=True, kw_only=True)
class Asked(Clusters):
    """Says when a run asks whether to go on."""

    told: Callable[[], None]

    def by_id(self, cluster_id: str) -> ClusterRecord:
        self.told()
        return super().by_id(cluster_id)


def fitting() -> list[psutil.Process]:
    """The processes that fit for this one."""
    children = psutil.Process().children()
    return [one for one in children if "fitting_process" in " ".join(one.cmdline())]


def test_a_cancel_inside_a_long_fit_ends_it_within_seconds(world: World) -> None:
    many = {"n_components": 50, "n_init": 5_000}
    config = {"clustering_method": "gaussian_mixture", "algorithm_params": many}
    definition = world.define(world.collection(planted()), config)
    plain = world.pipeline.catalog
    seen: list[list[psutil.Process]] = []
    canceled: list[float] = []

    def cancel_inside_the_fit() -> None:
        seen.append(fitting())
        # A second after the first time: by then it is under way.
        if not canceled and sum(map(bool, seen)) > 2:
            canceled.append(time.monotonic())
            cancel(plain, plain.clusters.by_id(definition.cluster_id).claim.run_id)

    catalog = copy.copy(plain)
    parts = {one.name: getattr(plain.clusters, one.name) for one in fields(plain.clusters)}
    catalog.clusters = Asked(**parts, told=cancel_inside_the_fit)
    ran = world.over(catalog=catalog).execute(definition)
    assert (ran.execution.status, ran.cluster.state.status) == ("canceled", "CANCELED")
    assert time.monotonic() - canceled[0] < 5
    assert fitting() == []
