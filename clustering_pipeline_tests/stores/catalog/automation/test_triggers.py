from datetime import UTC, datetime, timedelta

import pytest

from clustering_pipeline.model.automation.triggers import (
    CreateTriggerRequest,
    ListTriggersRequest,
    TriggerHistoryRequest,
    UpdateTriggerRequest,
)
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.errors import ClusterNotFound, InvalidDefinition, TriggerNotFound
from clustering_pipeline.model.scope import LOCAL, Scope
from clustering_pipeline_tests.model.factories import execution, request

ELSEWHERE = Scope(organization_id="int_local", namespace_id="ns_other")
NIGHTLY = {
    "cluster_id": "topics",
    "trigger_type": "cron",
    "schedule_config": {"cron_expression": "0 2 * * *", "timezone": "Europe/Berlin"},
}
FIRST = datetime(2026, 11, 22, 1, tzinfo=UTC)


@pytest.fixture
def topics(catalog, speeches):
    return catalog.clusters.create(LOCAL, request(cluster_name="topics"))


@pytest.fixture
def nightly(catalog, topics):
    return made(catalog)


def made(catalog, **changes):
    return catalog.triggers.create(LOCAL, validate(CreateTriggerRequest, NIGHTLY | changes))


def test_a_trigger_knows_its_next_time(catalog, topics, nightly):
    view = catalog.triggers.get(LOCAL, nightly.trigger_id).model()
    assert (view.status, view.next_scheduled_at, view.execution_count) == ("active", FIRST, 0)
    assert (view.cluster_id, view.internal_id) == (topics.cluster_id, "int_local")
    assert view.execution_config == {
        "collection_ids": list(topics.spec.collection_ids),
        "config": {},
    }


def test_a_trigger_is_due_when_its_time_has_come(catalog, nightly):
    assert catalog.triggers.due(FIRST - timedelta(milliseconds=1)) == []
    assert catalog.triggers.due(FIRST) == [nightly]
    catalog.triggers.pause(LOCAL, nightly.trigger_id)
    assert catalog.triggers.due(FIRST) == []
    resumed = catalog.triggers.resume(LOCAL, nightly.trigger_id)
    assert catalog.triggers.due(FIRST) == [resumed]


def test_a_firing_is_noted_once(catalog, nightly):
    assert nightly.run_key == f"{nightly.trigger_id}:0"
    fired = catalog.triggers.fired(nightly, "run_1")
    assert (fired.execution_count, fired.last_execution_job_id) == (1, "run_1")
    assert fired.next_run_at > FIRST
    assert catalog.triggers.fired(nightly, "run_2") == fired


def test_five_failures_in_a_row_end_it_until_it_is_resumed(catalog, nightly):
    def end(number, status):
        catalog.triggers.ended(nightly.trigger_id, f"run_{number}", status=status, error="broken")
        return catalog.triggers.get(LOCAL, nightly.trigger_id)

    for number in range(4):
        end(number, "failed")
    assert end(3, "failed").consecutive_failures == 4
    assert end(4, "completed").consecutive_failures == 0
    ended = [end(number, "failed") for number in range(5, 10)][-1]
    assert (ended.status, ended.consecutive_failures) == ("failed", 5)
    assert (ended.last_execution_status, ended.last_execution_error) == ("failed", "broken")
    assert catalog.triggers.due(FIRST + timedelta(days=9)) == []
    again = catalog.triggers.resume(LOCAL, nightly.trigger_id)
    assert (again.status, again.consecutive_failures) == ("active", 0)


def test_new_settings_count_from_now(catalog, nightly):
    hourly = UpdateTriggerRequest(schedule_config={"cron_expression": "0 * * * *"})
    changed = catalog.triggers.update(LOCAL, nightly.trigger_id, hourly)
    assert changed.next_run_at == datetime(2026, 11, 21, 13, tzinfo=UTC)
    described = UpdateTriggerRequest(description="each hour")
    assert catalog.triggers.update(LOCAL, nightly.trigger_id, described).description == "each hour"
    wrong = UpdateTriggerRequest(schedule_config={"interval_seconds": 600})
    with pytest.raises(InvalidDefinition, match="takes no 'interval_seconds'"):
        catalog.triggers.update(LOCAL, nightly.trigger_id, wrong)


def test_triggers_are_listed(catalog, nightly):
    interval = made(catalog, trigger_type="interval", schedule_config={"interval_seconds": 600})

    def listed(**conditions):
        page = catalog.triggers.list(LOCAL, validate(ListTriggersRequest, conditions))
        return page.total, [one.trigger_id for one in page.results]

    assert listed() == (2, [interval.trigger_id, nightly.trigger_id])
    assert listed(limit=1, offset=1) == (2, [nightly.trigger_id])
    assert listed(trigger_type="cron") == (1, [nightly.trigger_id])
    assert listed(status="paused") == (0, [])
    assert listed(cluster_id="topics", sort_by="next_scheduled_at") == (
        2,
        [nightly.trigger_id, interval.trigger_id],
    )
    with pytest.raises(ClusterNotFound):
        listed(cluster_id="unknown")


def test_what_it_started_is_its_history(catalog, topics, nightly):
    for number, status in enumerate(["completed", "failed"]):
        record = execution(
            run_id=f"run_{number}",
            cluster_id=topics.cluster_id,
            trigger_id=nightly.trigger_id,
            status=status,
            num_clusters=number,
            created_at=FIRST + timedelta(days=number),
            completed_at=FIRST + timedelta(days=number, seconds=2),
        )
        catalog.executions.begin(record)

    def shown(**conditions):
        wanted = validate(TriggerHistoryRequest, conditions)
        page = catalog.triggers.history(LOCAL, nightly.trigger_id, wanted)
        return page.total, [(one.job_id, one.status) for one in page.executions]

    assert shown() == (2, [("run_1", "failed"), ("run_0", "completed")])
    assert shown(limit=1) == (2, [("run_1", "failed")])
    assert shown(status_filter="completed") == (1, [("run_0", "completed")])
    page = catalog.triggers.history(LOCAL, nightly.trigger_id, TriggerHistoryRequest())
    assert page.executions[0].execution_time_ms == 2000


def test_updates_are_counted_by_those_that_wait_for_them(catalog, speeches, nightly):
    waiting = made(
        catalog,
        trigger_type="event",
        schedule_config={"event_type": "documents_updated", "event_threshold": 10},
        execution_config={"collection_ids": ["what is only kept"]},
    )
    for _ in range(2):
        catalog.triggers.updated_documents(LOCAL, speeches.collection_id, 7)
    catalog.triggers.updated_documents(LOCAL, "col_other", 1)
    catalog.triggers.updated_documents(ELSEWHERE, speeches.collection_id, 1)
    assert catalog.triggers.get(LOCAL, waiting.trigger_id).updates == 14
    assert catalog.triggers.get(LOCAL, nightly.trigger_id).updates == 0


def test_what_is_not_there_is_not_found(catalog, nightly):
    for scope, trigger_id in ((LOCAL, "trig_9"), (ELSEWHERE, nightly.trigger_id)):
        for call in (catalog.triggers.get, catalog.triggers.pause, catalog.triggers.delete):
            with pytest.raises(TriggerNotFound):
                call(scope, trigger_id)
    with pytest.raises(ClusterNotFound):
        made(catalog, cluster_id="unknown")
    with pytest.raises(InvalidDefinition, match="cluster_id is required"):
        made(catalog, cluster_id=None)
    assert catalog.triggers.delete(LOCAL, nightly.trigger_id) == nightly
    with pytest.raises(TriggerNotFound):
        catalog.triggers.get(LOCAL, nightly.trigger_id)
