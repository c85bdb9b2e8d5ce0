"""Labels alone are made again where nothing else can differ, and only there."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from clustering_pipeline.defs.instance.tags import JOBS
from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.definitions.execute import ExecuteClusterByIdRequest, Plan
from clustering_pipeline.model.definitions.patch import PatchClusterRequest
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.service.executions.plan import plan_of
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import KMEANS, Ran, World

CONFIG = KMEANS | {"algorithm_params": {"n_clusters": 2}}
LABELS = {"llm_labeling": {"labeling_context": "speeches"}}


@dataclass(frozen=True, kw_only=True)
class Published:
    world: World
    collection: CollectionRecord
    ran: Ran

    def plan(self, **overrides) -> Plan:
        record = self.world.pipeline.catalog.clusters.by_id(self.ran.cluster.cluster_id)
        request = validate(ExecuteClusterByIdRequest, overrides)
        return plan_of(self.world.pipeline, record.resolved(request))

    def patch(self, **fields) -> None:
        patch = validate(PatchClusterRequest, fields)
        clusters = self.world.pipeline.catalog.clusters
        clusters.patch(LOCAL, self.ran.cluster.cluster_id, patch)


def published(world: World, **fields) -> Published:
    collection = world.collection(planted(sizes={"sea": 30, "court": 20}))
    return Published(
        world=world,
        collection=collection,
        ran=world.execute(world.define(collection, CONFIG, **fields)),
    )


@pytest.fixture(scope="module")
def unchanged(world: World) -> Iterator[Published]:
    found = published(world, enrich_source_collection=True)
    yield found
    assert found.plan() == "relabel"


def test_before_the_first_run_everything_is_to_do(world):
    collection = world.collection(planted(sizes={"sea": 30, "court": 20}))
    definition = world.define(collection, CONFIG)
    assert plan_of(world.pipeline, definition.resolved()) == "full"


def test_other_labelling_needs_no_other_groups(unchanged):
    assert unchanged.plan(**LABELS) == "relabel"


@pytest.mark.parametrize(
    "overrides",
    [
        pytest.param({"sample_size": 20}, id="sample"),
        pytest.param({"filters": {"subject": "sea"}}, id="filters"),
        pytest.param({"vis_n_components": 3}, id="map"),
    ],
)
def test_whatever_else_differs_needs_a_full_run(unchanged, overrides):
    assert unchanged.plan(**overrides, **LABELS) == "full"


def test_documents_that_came_or_went_or_were_put_anew_need_a_full_run(world):
    found = published(world, enrich_source_collection=True)
    name = found.collection.qdrant_collection
    world.add(name, planted(sizes={"sea": 1}, first_id=1, seed=3))
    assert found.plan() == "full"
    found = published(world)
    world.add(found.collection.qdrant_collection, planted(sizes={"sea": 1}, first_id=900))
    assert found.plan() == "full"


def test_a_batch_that_completed_since_needs_a_full_run(world):
    found = published(world)
    batches = world.pipeline.catalog.batches
    batch = batches.open(LOCAL, [found.collection.collection_id])
    assert found.plan() == "relabel"
    batches.complete(LOCAL, batch.batch_id)
    assert found.plan() == "full"


def test_a_relabel_publishes_new_names_on_the_groups_there_are(world):
    found = published(world)
    first = found.ran
    found.patch(**LABELS)
    again = world.execute(first.cluster, job=JOBS[found.plan()])
    assert (first.execution.plan, again.execution.plan) == ("full", "relabel")
    task = world.pipeline.catalog.tasks.get(again.execution.task_id)
    assert task.additional_data["plan"] == "relabel"
    assert again.cluster.state.last_run_id == again.run_id != first.run_id
    assert {one.name for one in again.execution.stages} == {
        "definition",
        "cluster_labels",
        "published",
    }
    shared = ("embeddings.parquet", "assignments.parquet")
    assert [again.execution.artifact_key(one) for one in shared] == [
        first.execution.artifact_key(one) for one in shared
    ]
    # The relabelled run is the published one now, and stands on the same documents.
    assert found.plan() == "relabel"
    found.patch(cluster_name=world.name("renamed"))
    assert found.plan() == "relabel"
