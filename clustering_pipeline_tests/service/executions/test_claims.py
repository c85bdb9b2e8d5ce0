"""One run at a time: a second one is refused, and a dead one is replaced."""

import subprocess
import sys
import time
from dataclasses import dataclass, replace
from typing import Any

import dagster as dg
import psutil
import pytest

from clustering_pipeline.defs.instance.partitions import NAME
from clustering_pipeline.labeling import LabelingConfig
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.execute import ExecuteClusterByIdRequest
from clustering_pipeline.model.errors import CatalogUnavailable
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.scope import Owner
from clustering_pipeline.model.status import ExecutionStatus
from clustering_pipeline.pipeline.run.process import is_alive, this_process
from clustering_pipeline.service.executions.begin import RunIdentity, new_execution, open_run
from clustering_pipeline.service.executions.finish import cancel
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import EVERYTHING, KMEANS, Ran, World, failure_of

CONFIG = KMEANS | {"algorithm_params": {"n_clusters": 2}}
OTHER = RunIdentity(dagster_run_id="0ther", root_run_id="0ther")


@pytest.fixture
def definition(world: World) -> ClusterRecord:
    collection = world.collection(planted(sizes={"sea": 12, "court": 9}))
    return world.define(collection, CONFIG, llm_labeling={"enabled": True})


def dead_process() -> Owner:
    """An owner whose process has ended."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        started = psutil.Process(process.pid).create_time()
        process.communicate(b"\n")
    here = this_process(OTHER.run_id, OTHER.task_id)
    return here.model_copy(update={"pid": process.pid, "process_started": started})


def under_way(world: World, definition: ClusterRecord, owner: Owner) -> ExecutionRecord:
    """Another run of the definition, as its process leaves it while it runs."""
    catalog = world.pipeline.catalog
    identity = RunIdentity(dagster_run_id=world.name("run")[4:], root_run_id="0ther")
    owner = owner.model_copy(update={"run_id": identity.run_id})
    catalog.clusters.claim(definition.cluster_id, owner, is_alive=is_alive)
    catalog.executions.begin(new_execution(definition, identity, definition.resolved()))
    return catalog.executions.update(
        identity.run_id, status=ExecutionStatus.PROCESSING, owner=owner
    )


def refusal(definition: ClusterRecord, run_id: str) -> str:
    return f"definition {definition.cluster_id} is being executed by {run_id}: wait, or cancel it"


@dataclass(frozen=True)
class Silent:
    """A part of the catalog that does not answer when something is to be made."""

    behind: Any

    def begin(self, _execution: ExecutionRecord) -> ExecutionRecord:
        message = "the catalog does not answer"
        raise CatalogUnavailable(message)

    @property
    def executions(self) -> "Silent":
        return Silent(self.behind.executions)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.behind, name)


def test_who_could_not_make_an_execution_lets_go(world, definition):
    there = replace(world.pipeline, catalog=Silent(world.pipeline.catalog))
    with pytest.raises(CatalogUnavailable):
        open_run(there, definition.cluster_id, OTHER, stage="definition")
    assert world.pipeline.catalog.clusters.by_id(definition.cluster_id).claim is None


def test_a_second_run_is_refused_and_the_first_goes_on(world, definition):
    seconds: list[Ran] = []

    def run_meanwhile(_config: LabelingConfig) -> None:
        seconds.append(world.execute(definition, request=ExecuteClusterByIdRequest()))

    patient = world.over(provider_of=run_meanwhile)
    first = patient.execute(definition)
    (second,) = seconds
    assert not second.result.success
    assert (second.execution.status, second.execution.failure_category) == ("failed", "conflict")
    assert second.execution.error_message == refusal(definition, first.run_id)
    # What the definition says is what the first run does, then and afterwards.
    assert (second.cluster.state.status, second.cluster.state.last_attempt_id) == (
        "PROCESSING",
        first.run_id,
    )
    assert first.result.success
    assert first.cluster.state.last_run_id == first.run_id


def test_a_run_that_is_cancelled_while_its_process_goes_on_publishes_nothing(world, definition):
    def cancel_meanwhile(_config: LabelingConfig) -> None:
        claim = world.pipeline.catalog.clusters.by_id(definition.cluster_id).claim
        cancel(world.pipeline.catalog, claim.run_id)

    ran = world.over(provider_of=cancel_meanwhile).execute(definition)
    assert not ran.result.success
    assert (ran.execution.status, ran.cluster.state.status) == ("canceled", "CANCELED")
    assert (ran.cluster.state.last_run_id, ran.cluster.claim) == (None, None)
    assert world.execute(definition).result.success


def test_a_run_started_in_dagster_is_refused_too(world, definition):
    held = under_way(world, definition, this_process("run_x", "task_x"))
    result = world.start(definition)
    assert failure_of(result) == refusal(definition, held.run_id)
    catalog = world.pipeline.catalog
    assert catalog.executions.by_id(held.run_id) == held
    assert catalog.clusters.by_id(definition.cluster_id).claim.run_id == held.run_id


def test_the_claim_of_a_dead_process_is_taken_over(world, definition):
    dead = under_way(world, definition, dead_process())
    ran = world.execute(definition)
    assert ran.result.success
    assert (ran.cluster.state.last_run_id, ran.cluster.claim) == (ran.run_id, None)
    left = world.pipeline.catalog.executions.by_id(dead.run_id)
    assert (left.status, left.task_status, left.failure_category) == (
        "failed",
        "INTERRUPTED",
        "interrupted",
    )
    assert left.error_message == f"the process of {dead.run_id} ended without saying so"


def test_a_run_whose_steps_have_processes_of_their_own_keeps_its_claim(world, definition):
    first = under_way(world, definition, dead_process())
    identity = RunIdentity(
        dagster_run_id=first.dagster_run_id, root_run_id=first.run_id.removeprefix("run_")
    )
    run = open_run(world.pipeline, definition.cluster_id, identity, stage="embeddings")
    here = this_process(identity.run_id, identity.task_id)
    claim = world.pipeline.catalog.clusters.by_id(definition.cluster_id).claim
    assert run.execution.owner == here
    assert (claim.run_id, claim.pid) == (run.run_id, here.pid)
    assert failure_of(world.start(definition)) == refusal(definition, first.run_id)


def test_a_run_over_several_definitions_at_once_says_how_to_start_them(world, definition):
    several = sorted([definition.cluster_id, "clust_other"])
    world.instance.add_dynamic_partitions(NAME, several)
    ends = zip(("start", "end"), several, strict=True)
    result = world.definitions.resolve_job_def(EVERYTHING).execute_in_process(
        instance=world.instance,
        asset_selection=[dg.AssetKey("definition")],
        tags={f"dagster/asset_partition_range_{end}": key for end, key in ends},
        raise_on_error=False,
    )
    assert failure_of(result) == (
        "a run is for one definition: choose one partition, or a run for each of them"
    )
    world.instance.delete_dynamic_partition(NAME, "clust_other")


def test_this_process_is_alive():
    assert is_alive(this_process("run_x", "task_x"))


def test_an_ended_process_is_not():
    assert not is_alive(dead_process())


def test_another_process_of_the_same_number_is_not():
    earlier = this_process("run_x", "task_x").model_copy(
        update={"process_started": time.time() - 86_400}
    )
    assert not is_alive(earlier)


def test_a_process_of_another_machine_is_taken_for_alive():
    assert is_alive(dead_process().model_copy(update={"host": "elsewhere"}))
