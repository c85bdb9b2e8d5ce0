"""A completed batch makes a definition run: through the sensor, the graph, and the catalog."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

import dagster as dg
import pytest

from clustering_pipeline.automation.due import UNPUBLISHED
from clustering_pipeline.automation.status import standing_of
from clustering_pipeline.defs.graph import stored_definitions
from clustering_pipeline.defs.instance.partitions import NAME
from clustering_pipeline.defs.instance.tags import BECAUSE
from clustering_pipeline.defs.jobs import build_jobs
from clustering_pipeline.defs.resources import RESOURCE
from clustering_pipeline.defs.sensors.lost_runs import dagster_run_id_of, free_lost
from clustering_pipeline.defs.sensors.runs import build_sensors
from clustering_pipeline.labeling import LabelingConfig
from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.create import CreateClusterRequest
from clustering_pipeline.model.definitions.execute import ExecuteClusterByIdRequest
from clustering_pipeline.model.definitions.patch import PatchClusterRequest
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.model.scope import LOCAL, Owner
from clustering_pipeline.model.times import utc_now
from clustering_pipeline.pipeline.run.process import is_alive, this_process
from clustering_pipeline_tests.service.executions.test_claims import dead_process
from clustering_pipeline_tests.sizes import size
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import KMEANS, World, failure_of

CONFIG = KMEANS | {"algorithm_params": {"n_clusters": 2}}
SENSORS = {sensor.name: sensor for sensor in build_sensors(build_jobs(stored_definitions()))}
LOOK = SENSORS["run_after_batches"]
LISTENS = {"auto_execute_on_batch": True, "auto_execute_cooldown_seconds": 0}


@pytest.fixture
def there(world: World) -> Iterator[World]:
    """The world with an instance of its own, and no definition of an earlier test."""
    catalog = world.pipeline.catalog
    with ExitStack() as opened:
        instance = opened.enter_context(dg.DagsterInstance.ephemeral())
        yield World(pipeline=world.pipeline, instance=instance)
        for cluster_id in catalog.clusters.ids():
            catalog.clusters.delete(LOCAL, cluster_id)


@pytest.fixture(scope="module")
def documents(world: World):
    return world.collection(planted(sizes={"sea": 12, "court": 9}))


def complete(world: World, *collections) -> None:
    batches = world.pipeline.catalog.batches
    made = batches.open(LOCAL, [one.collection_id for one in collections])
    batches.complete(LOCAL, made.batch_id)


def tick(world: World) -> dg.SensorResult | dg.SkipReason:
    context = dg.build_sensor_context(
        instance=world.instance, resources={RESOURCE: world.pipeline}, definitions=world.definitions
    )
    return LOOK(context)


def requested(world: World) -> list[dg.RunRequest]:
    found = tick(world)
    return list(found.run_requests) if isinstance(found, dg.SensorResult) else []


def skipped(world: World) -> str:
    found = tick(world)
    assert isinstance(found, dg.SkipReason), found
    return found.skip_message


def run(world: World, request: dg.RunRequest):
    """What the daemon does with a request."""
    cluster = world.pipeline.catalog.clusters.by_id(request.partition_key)
    tags = {**request.tags, "dagster/run_key": request.run_key}
    return world.ran(world.start(cluster, job=request.job_name, tags=tags), cluster)


def earlier(world: World, cluster_id: str, seconds: float) -> None:
    """The last automatic run of the definition was so long before."""
    then = utc_now() - timedelta(seconds=seconds)

    def edit(record):
        return {"automation": record.state.automation.model_copy(update={"batch_run_at": then})}

    world.pipeline.catalog.clusters.revise(cluster_id, edit)


def test_a_completed_batch_is_run_once(there, documents):
    definition = there.define(documents, CONFIG, **LISTENS)
    assert "1 automatic definitions, 0 with something new" in skipped(there)
    complete(there, documents)
    (request,) = requested(there)
    assert requested(there)[0].run_key == request.run_key
    assert request.run_key.startswith(f"{definition.cluster_id}:batch:")
    assert request.run_key.endswith(":after:none")
    assert {name: request.tags[name] for name in ("clustering/trigger", "dagster/priority")} == {
        "clustering/trigger": "batch",
        "dagster/priority": "-10",
    }
    ran = run(there, request)
    assert (ran.execution.status, ran.execution.trigger) == ("completed", "batch")
    assert ran.execution.plan == "full"
    assert requested(there) == []
    assert standing_of(there.pipeline, ran.cluster).batches_behind == {}
    complete(there, documents)
    (second,) = requested(there)
    assert second.run_key.endswith(f":after:{ran.run_id}")


def test_a_definition_made_since_gets_its_partition_with_its_first_run(there, documents):
    definition = there.define(documents, CONFIG, **LISTENS)
    complete(there, documents)
    assert len(requested(there)) == 1
    assert there.instance.get_dynamic_partitions(NAME) == [definition.cluster_id]


def test_a_batch_that_lands_in_the_cooldown_waits_for_its_end(there, documents):
    cooling = LISTENS | {"auto_execute_cooldown_seconds": 600}
    definition = there.define(documents, CONFIG, **cooling)
    complete(there, documents)
    run(there, requested(there)[0])
    complete(there, documents)
    assert "the cooldown has 5" in skipped(there)
    record = there.pipeline.catalog.clusters.by_id(definition.cluster_id)
    told = standing_of(there.pipeline, record)
    assert (told.due, sum(told.batches_behind.values())) == (False, 1)
    assert told.cooldown_left_seconds > 500
    earlier(there, definition.cluster_id, 601)
    assert len(requested(there)) == 1


def test_a_batch_that_lands_during_a_run_is_due_after_it(there, documents):
    definition = there.define(documents, CONFIG, llm_labeling={"enabled": True}, **LISTENS)
    complete(there, documents)
    seen: list[str] = []

    def land_meanwhile(_config: LabelingConfig) -> None:
        complete(there, documents)
        seen.append(skipped(there))

    busy = there.over(provider_of=land_meanwhile)
    ran = run(busy, requested(there)[0])
    assert seen
    assert f"{definition.name!r}: {ran.run_id} is under way" in seen[0]
    assert len(requested(there)) == 1


def test_too_few_documents_hold_it_back(there, documents):
    wanting = LISTENS | {"auto_execute_min_documents": 30}
    definition = there.define(documents, CONFIG, filters={"subject": "sea"}, **wanting)
    complete(there, documents)
    assert "9 documents are missing to the threshold" in skipped(there)
    told = standing_of(there.pipeline, definition)
    assert (told.documents, told.documents_missing) == (21, 9)
    enough = PatchClusterRequest(auto_execute_min_documents=21)
    there.pipeline.catalog.clusters.patch(LOCAL, definition.cluster_id, enough)
    assert len(requested(there)) == 1


def test_an_empty_selection_settles_the_batch(there, documents):
    definition = there.define(documents, CONFIG, filters={"subject": "nothing"}, **LISTENS)
    complete(there, documents)
    ran = run(there, requested(there)[0])
    assert (ran.execution.status, ran.execution.failure_category) == ("failed", "input_rejected")
    assert requested(there) == []
    assert ran.cluster.state.automation.failures == 0
    assert definition.cluster_id == ran.cluster.cluster_id


def test_a_failure_leaves_it_due_after_a_while(there, documents):
    definition = there.define(documents, CONFIG, llm_labeling={"enabled": True}, **LISTENS)
    complete(there, documents)

    def break_down(_config: LabelingConfig) -> None:
        raise RuntimeError

    ran = run(there.over(provider_of=break_down), requested(there)[0])
    assert ran.execution.status == "failed"
    assert "it failed and is tried again in" in skipped(there)
    told = standing_of(there.pipeline, ran.cluster)
    assert 100 < told.retry_in_seconds <= 120
    assert definition.cluster_id == ran.cluster.cluster_id


def test_a_run_that_ended_before_it_began_counts_as_a_failure(there, documents):
    definition = there.define(documents, CONFIG, **LISTENS)
    complete(there, documents)
    (request,) = requested(there)
    catalog = there.pipeline.catalog
    owner = Owner(run_id="run_other", host="elsewhere")
    catalog.clusters.claim(definition.cluster_id, owner, is_alive=lambda _owner: True)
    there.instance.add_dynamic_partitions(NAME, [definition.cluster_id])
    tags = {**request.tags, "dagster/run_key": request.run_key}
    result = there.start(definition, tags=tags)
    assert "is being executed by run_other" in failure_of(result)
    catalog.clusters.release(definition.cluster_id, "run_other")
    assert "0 to run now" in skipped(there)
    after = catalog.clusters.by_id(definition.cluster_id).state
    assert dagster_run_id_of(after.last_attempt_id) == result.run_id
    assert after.automation.failures == 1
    assert "it failed and is tried again" in skipped(there)


def test_the_run_of_a_process_that_is_gone_is_ended(there, documents):
    definition = there.define(documents, CONFIG, **LISTENS)
    catalog = there.pipeline.catalog
    complete(there, documents)
    owner = dead_process()
    catalog.clusters.claim(definition.cluster_id, owner, is_alive=lambda _owner: True)
    assert f"{owner.run_id} is under way" in skipped(there)
    assert free_lost(catalog, there.instance) == [owner.run_id]
    assert free_lost(catalog, there.instance) == []
    after = catalog.clusters.by_id(definition.cluster_id)
    assert (after.claim, after.state.status) == (None, "INTERRUPTED")
    assert "it failed and is tried again" in skipped(there)


def test_an_archived_definition_does_not_run(there, documents):
    definition = there.define(documents, CONFIG, **LISTENS)
    complete(there, documents)
    (request,) = requested(there)
    there.pipeline.catalog.automation.archive(LOCAL, definition.cluster_id)
    assert requested(there) == []
    there.instance.add_dynamic_partitions(NAME, [definition.cluster_id])
    # It was queued before it was archived.
    result = there.start(definition, tags=dict(request.tags))
    assert failure_of(result) == (f"{definition.name!r} is archived: unarchive it, then execute it")
    after = there.pipeline.catalog.clusters.by_id(definition.cluster_id)
    assert (after.claim, after.status, after.state.last_run_id) == (None, "ARCHIVED", None)
    there.pipeline.catalog.automation.unarchive(LOCAL, definition.cluster_id)
    assert len(requested(there)) == 1


@pytest.mark.parametrize("leaves", ["archive", "delete"])
def test_a_definition_that_goes_while_it_runs_publishes_nothing(there, documents, leaves):
    definition = there.define(documents, CONFIG, llm_labeling={"enabled": True})
    catalog = there.pipeline.catalog

    def go(_config: LabelingConfig) -> None:
        if leaves == "archive":
            catalog.automation.archive(LOCAL, definition.cluster_id)
        else:
            catalog.clusters.delete(LOCAL, definition.cluster_id)

    result = there.over(provider_of=go).start(definition)
    assert not result.success
    if leaves == "archive":
        record = catalog.clusters.by_id(definition.cluster_id)
        assert (record.claim, record.status, record.state.last_run_id) == (None, "ARCHIVED", None)
        assert catalog.executions.latest(definition.cluster_id).status == "canceled"
    else:
        assert catalog.executions.latest(definition.cluster_id) is None


def test_a_patch_during_a_run_takes_effect_on_the_next(there, documents):
    definition = there.define(documents, CONFIG, llm_labeling={"enabled": True}, **LISTENS)
    catalog = there.pipeline.catalog
    complete(there, documents)

    def change(_config: LabelingConfig) -> None:
        fewer = PatchClusterRequest(algorithm_params={"n_clusters": 3})
        catalog.clusters.patch(LOCAL, definition.cluster_id, fewer)

    ran = run(there.over(provider_of=change), requested(there)[0])
    assert (ran.execution.status, ran.execution.num_clusters) == ("completed", 2)
    assert requested(there) == []
    assert there.execute(ran.cluster).execution.num_clusters == 3


def test_manual_runs_neither_wait_for_the_cooldown_nor_start_it(there, documents):
    cooling = LISTENS | {"auto_execute_cooldown_seconds": 600}
    definition = there.define(documents, CONFIG, **cooling)
    complete(there, documents)
    by_hand = there.execute(definition, request=ExecuteClusterByIdRequest())
    assert by_hand.cluster.state.automation.batch_run_at is None
    assert requested(there) == []
    complete(there, documents)
    assert len(requested(there)) == 1


def made_in(world: World, mode: str) -> tuple[CollectionRecord, ClusterRecord]:
    """A definition in that automatic mode that has run, over documents of two subjects."""
    collection = world.collection(planted(sizes={"sea": 40, "court": 40}))
    automatic = {"auto_execute_on_batch": True, "auto_execute_mode": mode}
    made = world.define(collection, CONFIG, enrich_source_collection=True, **automatic)
    complete(world, collection)
    (request,) = requested(world)
    assert (request.job_name, request.tags[BECAUSE]) == ("execute_cluster", UNPUBLISHED)
    assert run(world, request).execution.mode == "full"
    return collection, made


def land(world: World, collection: CollectionRecord, first_id: int, **sizes: int) -> None:
    """A batch of so many documents of each subject."""
    if sizes:
        more = planted(sizes=sizes, spread=0.05, seed=first_id, first_id=first_id)
        world.add(collection.qdrant_collection, more)
    complete(world, collection)


def groups_in(world: World, collection: CollectionRecord) -> set[tuple[str, str]]:
    """Each subject with the groups of its documents."""
    shown = world.payloads(collection).values()
    return {(payload["subject"], payload.get("cluster_id")) for payload in shown}


def test_batches_are_assigned_until_the_pool_asks_for_one_full_run(there):
    """The cooldown of the full run before holds up the next full run, and no batch."""
    collection, made = made_in(there, "auto")
    before, batches = groups_in(there, collection), size(ci=2, full=19)
    for batch in range(batches):
        land(there, collection, 1000 + 10 * batch, sea=1, court=1)
        ran = run(there, *requested(there))
        assert (ran.execution.plan, groups_in(there, collection)) == ("assign", before)
    land(there, collection, 5000, space=20)
    ran = run(there, *requested(there))
    assert groups_in(there, collection) == before | {("space", NOISE_ID)}
    standing = standing_of(there.pipeline, ran.cluster)
    assert (standing.next_mode, standing.due) == ("full", False)
    assert standing.full_run_because[0].startswith("the novelty pool holds")
    assert "the cooldown has 35" in skipped(there)
    earlier(there, made.cluster_id, 3601)
    (request,) = requested(there)
    assert request.tags[BECAUSE] == standing.full_run_because[0]
    assert run(there, request).execution.mode == "full"
    assert requested(there) == []
    executions = there.pipeline.catalog.executions
    modes = [executions.by_id(run_id).mode for run_id in executions.ids_of(made.cluster_id)]
    assert sorted(str(mode) for mode in modes) == ["assign"] * (batches + 1) + ["full"] * 2


def test_a_batch_of_nothing_and_one_of_deletions_are_dealt_with(there):
    collection, _ = made_in(there, "assign")
    land(there, collection, 0)
    land(there, collection, 0)
    ran = run(there, *requested(there))
    assert (ran.execution.plan, ran.execution.num_points) == ("assign", 80)
    there.pipeline.documents.delete_points(collection.qdrant_collection, point_ids=["1", "2"])
    land(there, collection, 0)
    ran = run(there, *requested(there))
    assert (ran.execution.plan, ran.execution.num_points) == ("assign", 78)
    assert ran.cluster.state.automation.assigned.changes == 2
    assert standing_of(there.pipeline, ran.cluster).batches_behind == {}


def test_what_makes_other_groups_asks_for_a_full_run_even_after_the_look(there):
    collection, made = made_in(there, "assign")
    land(there, collection, 900, sea=1)
    (request,) = requested(there)
    assert request.job_name == "assign_documents"
    other = PatchClusterRequest(algorithm_params={"n_clusters": 3})
    there.pipeline.catalog.clusters.patch(LOCAL, made.cluster_id, other)
    assert (
        "another way"
        in standing_of(
            there.pipeline, there.pipeline.catalog.clusters.by_id(made.cluster_id)
        ).full_run_because[0]
    )
    # It has to wait for the cooldown, where nobody has asked for it before.
    assert "the cooldown has 35" in skipped(there)
    ran = run(there, request)
    assert (ran.execution.mode, ran.execution.status) == ("full", "completed")
    assert requested(there) == []


def test_a_composite_definition_runs_after_its_sources_once_for_their_newest_runs(there, documents):
    sources = [there.define(documents, CONFIG) for _ in range(2)]
    catalog = there.pipeline.catalog
    composite = validate(
        CreateClusterRequest,
        {"source_cluster_ids": [source.cluster_id for source in sources], **LISTENS},
    )
    made = catalog.clusters.create(LOCAL, composite)
    assert requested(there) == []
    there.run(sources[0])
    assert "has no completed run to group the groups of" in skipped(there)
    there.run(sources[1])
    standing = standing_of(there.pipeline, made)
    assert (standing.due, standing.next_mode) == (True, "composite")
    assert standing.sources_behind == sorted(source.cluster_id for source in sources)
    late = standing_of(there.pipeline, made, utc_now() + timedelta(hours=1)).overdue
    assert late is not None
    assert late.reasons == ["a source has published a run whose groups it has not grouped"]
    (request,) = requested(there)
    ran = run(there, request)
    assert (ran.execution.mode, request.job_name) == ("composite", "compose_clusters")
    assert requested(there) == []
    there.run(sources[0])
    catalog.clusters.claim(
        sources[1].cluster_id, this_process("run_at_work", "task_1"), is_alive=is_alive
    )
    assert "is at work (run_at_work)" in skipped(there)
    catalog.clusters.release(sources[1].cluster_id, "run_at_work")
    (second,) = requested(there)
    assert second.run_key != request.run_key
