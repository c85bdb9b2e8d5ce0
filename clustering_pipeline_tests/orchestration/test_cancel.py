"""A run that is cancelled in the middle of a stage ends there."""

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl
import pytest

from clustering_pipeline.orchestration.outcome import cancel
from clustering_pipeline.stores.artifacts import Artifacts
from clustering_pipeline_tests.orchestration.planted import planted
from clustering_pipeline_tests.orchestration.world import KMEANS, World

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
