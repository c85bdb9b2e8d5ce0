"""A definition goes with everything that its runs made, and with nothing else."""

import pytest

from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.errors import ClusterNotFound, ExecutionInFlight
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.pipeline.run.process import is_alive, this_process
from clustering_pipeline.service.executions.delete import remove_cluster
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import KMEANS, Ran, World

CONFIG = KMEANS | {"algorithm_params": {"n_clusters": 2}}


@pytest.fixture
def ran(world: World) -> Ran:
    collection = world.collection(planted(sizes={"sea": 9, "court": 7}))
    return world.execute(world.define(collection, CONFIG))


def output_of(world: World, cluster: ClusterRecord) -> list[str]:
    (alias,) = cluster.state.output_collection_ids
    return [name for name in world.pipeline.documents.collections() if name.startswith(alias)]


def test_artifacts_executions_and_output_collections_go(world, ran):
    before = set(world.pipeline.documents.collections())
    output = output_of(world, ran.cluster)
    removed = remove_cluster(world.pipeline, LOCAL, ran.cluster.name)
    assert removed.cluster_id == ran.cluster.cluster_id
    assert len(output) == 1
    assert set(world.pipeline.documents.collections()) == before - set(output)
    assert ran.cluster.state.output_collection_ids[0] not in world.pipeline.documents.aliases()
    assert world.pipeline.artifacts.list(ran.execution.artifacts_prefix) == ()
    assert world.pipeline.catalog.executions.find(ran.run_id) is None
    with pytest.raises(ClusterNotFound):
        remove_cluster(world.pipeline, LOCAL, ran.cluster.name)


def test_output_collections_may_stay(world, ran):
    output = output_of(world, ran.cluster)
    remove_cluster(world.pipeline, LOCAL, ran.cluster.cluster_id, keep_output=True)
    assert output_of(world, ran.cluster) == output
    (kept,) = ran.cluster.state.output_collection_names
    assert world.pipeline.catalog.collections.get(LOCAL, kept).made


def test_a_definition_that_runs_stays(world, ran):
    clusters = world.pipeline.catalog.clusters
    clusters.claim(ran.cluster.cluster_id, this_process("run_x", "task_x"), is_alive=is_alive)
    with pytest.raises(ExecutionInFlight, match="is being executed by run_x: cancel it first"):
        remove_cluster(world.pipeline, LOCAL, ran.cluster.name)
    assert clusters.get(LOCAL, ran.cluster.name).state == ran.cluster.state
    assert world.pipeline.artifacts.exists(ran.execution.members_key)
