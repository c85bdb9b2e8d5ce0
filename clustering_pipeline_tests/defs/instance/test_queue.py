"""Dagster's own queue under both of our configurations: who goes first, and who waits for whom."""

from collections.abc import Iterator, Sequence
from importlib.resources import files

import dagster as dg
import pytest
import yaml
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon

from clustering_pipeline.defs.instance.tags import EXECUTE, PARTITION, tags_of
from clustering_pipeline.model.definitions.automation import BATCH, MANUAL, SCHEDULE
from clustering_pipeline.model.scope import LOCAL, Scope

OTHER = Scope(organization_id="org_other", namespace_id="ns_default")
PARTS = ("telemetry", "run_queue", "concurrency")
HERE = RemoteJobOrigin(
    RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("here"), "there"), EXECUTE
)


@pytest.fixture(scope="module", params=["dagster.yaml", "dagster.production.yaml"])
def configured(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dg.DagsterInstance]:
    """The queue of a configuration, over a storage of the tests' own."""
    text = files("clustering_pipeline.defs.instance").joinpath(request.param).read_text()
    config = {name: one for name, one in yaml.safe_load(text).items() if name in PARTS}
    home = tmp_path_factory.mktemp("home")
    (home / "dagster.yaml").write_text(yaml.safe_dump(config))
    with dg.DagsterInstance.from_config(str(home)) as made:
        yield made


@pytest.fixture
def instance(configured: dg.DagsterInstance) -> Iterator[dg.DagsterInstance]:
    yield configured
    configured.run_storage.wipe()


def queue(instance: dg.DagsterInstance, name: str, trigger: str, scope: Scope = LOCAL) -> None:
    instance.add_run(
        dg.DagsterRun(
            job_name=EXECUTE,
            status=dg.DagsterRunStatus.QUEUED,
            tags={**tags_of(trigger, scope), PARTITION: name},
            remote_job_origin=HERE,
        )
    )


def taken(instance: dg.DagsterInstance) -> Sequence[str]:
    """The definitions whose runs the daemon takes out of the queue now."""
    daemon = QueuedRunCoordinatorDaemon(interval_seconds=1)
    found = daemon._get_runs_to_dequeue(
        instance, instance.get_concurrency_config(), fixed_iteration_time=None
    )
    return [one.tags[PARTITION] for one in found]


def test_what_people_ask_for_goes_before_batches_and_batches_before_schedules(instance):
    for number, trigger in enumerate([SCHEDULE, BATCH, MANUAL]):
        scope = Scope(organization_id=f"org_{number}", namespace_id="ns_default")
        queue(instance, trigger, trigger, scope)
    assert taken(instance)[:3] == [MANUAL, BATCH, SCHEDULE]


def test_runs_of_one_definition_wait_for_each_other(instance):
    for _ in range(3):
        queue(instance, "clust_1", BATCH)
    queue(instance, "clust_2", BATCH)
    assert taken(instance) == ["clust_1", "clust_2"]


def test_the_many_definitions_of_one_tenant_leave_room_for_the_one_of_another(instance):
    for number in range(30):
        queue(instance, f"clust_{number:04}", BATCH)
    queue(instance, "clust_other", SCHEDULE, OTHER)
    assert "clust_other" in taken(instance)
