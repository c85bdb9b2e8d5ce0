"""Density validity where documents join groups: it is not that of the run that made the groups."""

import pytest

from clustering_pipeline.model.definitions.execute import ExecuteClusterByIdRequest
from clustering_pipeline.model.definitions.patch import PatchClusterRequest
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline_tests.pipeline.publishing.test_refused import verdict
from clustering_pipeline_tests.pipeline.stages.assign_mode.test_propose import DENSE, named
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import World


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"mode": "assign"}, id="assign"),
        pytest.param({"from_pool": True}, id="from-pool"),
    ],
)
def test_what_was_measured_once_is_not_said_again(world: World, asked) -> None:
    collection = world.collection(named(planted(sizes={"sea": 20, "kitchen": 15}), "old"))
    gates = {"minimum_density_validity": -1.0}
    cluster = world.define(collection, DENSE, quality_gates=gates)
    first = world.run(cluster).execution
    assert first.metrics.additional_properties["density_validity"] is not None
    strict = validate(PatchClusterRequest, {"quality_gates": {"minimum_density_validity": 0.999}})
    world.pipeline.catalog.clusters.patch(LOCAL, cluster.name, strict)
    new = planted(sizes={"sea": 3, "space": 8}, first_id=500, seed=5, spread=0.05)
    world.add(collection.qdrant_collection, named(new, "new"))
    record = world.pipeline.catalog.clusters.by_id(cluster.cluster_id)
    ran = world.execute(record, request=ExecuteClusterByIdRequest(**asked))
    metrics = ran.execution.metrics
    assert metrics.additional_properties["density_validity"] is None
    assert "density_validity_space" not in metrics.additional_properties
    assert metrics.silhouette_score != first.metrics.silhouette_score
    assert ran.execution.refusals == []
    told = "density validity (DBCV) is not measured where documents join groups"
    assert verdict(ran) == (True, f"{told}: minimum_density_validity waits")
