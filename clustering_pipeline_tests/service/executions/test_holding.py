"""A run writes while it holds its definition, and cleans up what its mappings no longer name."""

from uuid import uuid4

import pytest

from clustering_pipeline.defs.instance.launcher import WorkerLauncher
from clustering_pipeline.local.stack.client import Stack
from clustering_pipeline.model.definitions.create import CreateClusterRequest
from clustering_pipeline.model.definitions.execute import ExecuteClusterByIdRequest
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.errors import ExecutionInFlight, StateConflict
from clustering_pipeline.model.ids import run_id_of, run_mark
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.pipeline.publishing.publish import enrich
from clustering_pipeline.service.executions.begin import RunIdentity, new_execution, open_run
from clustering_pipeline.service.executions.finish import cancel
from clustering_pipeline.service.executions.launch import launch, new_identity
from clustering_pipeline.settings import Settings
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import World

NOTHING = ExecuteClusterByIdRequest()
FEW = {"sea": 30, "kitchen": 20}
TWO = {"clustering_method": "kmeans", "algorithm_params": {"n_clusters": 2}}


def mapped(**fields: str) -> dict:
    mappings = [{"source_field": one, "target_field": other} for one, other in fields.items()]
    return {
        "enrich_source_collection": True,
        "source_enrichment_config": {"field_mappings": mappings},
    }


def test_a_cancelled_run_writes_no_further_document(world: World) -> None:
    collection = world.collection(planted(sizes=FEW))
    definition = world.define(collection, TWO, **mapped(cluster_id="topic_id"))
    published = world.execute(definition)
    before = world.payloads(collection)

    identity = RunIdentity(dagster_run_id="a" * 32, root_run_id="a" * 32)
    run = open_run(world.pipeline, definition.cluster_id, identity, stage="enriched_documents")
    cancel(world.pipeline.catalog, run_id_of(identity.dagster_run_id))

    with pytest.raises(StateConflict, match="no longer holds"):
        enrich(run)
    assert world.payloads(collection) == before
    assert published.cluster.state.last_run_id == published.run_id


def test_fields_that_no_mapping_names_any_more_leave_the_documents(world: World) -> None:
    collection = world.collection(planted(sizes=FEW))
    definition = world.define(
        collection, TWO, **mapped(cluster_id="topic_id", cluster_label="topic")
    )
    world.execute(definition)
    changed = definition.spec.model_dump(mode="json") | mapped(cluster_id="group_id")
    world.pipeline.catalog.clusters.apply(LOCAL, validate(CreateClusterRequest, changed))

    second = world.execute(definition)

    payloads = world.payloads(collection).values()
    mark = run_mark(definition.cluster_id)
    assert {one[mark] for one in payloads} == {second.run_id}
    assert {one["group_id"] for one in payloads} == {"cl_0", "cl_1"}
    assert not any({"topic", "topic_id"} & one.keys() for one in payloads)
    assert second.execution.write_back is not None
    assert second.execution.write_back.stale_fields == ("topic", "topic_id")


def test_a_run_that_was_launched_and_is_over_is_not_held_for(world: World, stack: Stack) -> None:
    """Two calls with one Idempotency-Key, the second so slow that the first one's run has ended."""
    catalog = world.pipeline.catalog
    definition = world.define(world.collection(planted(sizes=FEW)), TWO)
    identity = new_identity(str(uuid4()))
    catalog.executions.begin(new_execution(definition, identity, definition.resolved()))
    cancel(catalog, identity.run_id)

    with pytest.raises(ExecutionInFlight, match="launched already") as refused:
        launch(
            WorkerLauncher(settings=Settings(data_dir=stack.data_dir)),
            catalog,
            LOCAL,
            definition.cluster_id,
            NOTHING,
            identity=identity,
        )

    assert refused.value.details["run_id"] == identity.run_id
    assert catalog.clusters.by_id(definition.cluster_id).claim is None
