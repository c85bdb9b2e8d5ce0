"""Webhooks, and how what runs owe becomes messages: once for each event, whatever dies."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from typing import Any

import pytest

from clustering_pipeline.model.automation.webhooks import (
    CreatedWebhookResponse,
    CreateWebhookRequest,
    DeliveryAttempt,
    DeliveryRecord,
    WebhookRecord,
)
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.errors import StateConflict, WebhookNotFound
from clustering_pipeline.model.executions.execution import EVENTS
from clustering_pipeline.model.scope import LOCAL, Scope
from clustering_pipeline.model.status import ExecutionStatus
from clustering_pipeline.model.times import iso, utc_now
from clustering_pipeline.stores.catalog import Catalog
from clustering_pipeline.stores.catalog.automation.webhooks import MOST
from clustering_pipeline.stores.catalog.table import Table
from clustering_pipeline_tests.model.factories import execution

ELSEWHERE = Scope(organization_id="int_local", namespace_id="ns_other")
URL = "https://hooks.example.com/clusters"
STARTED, COMPLETED, FAILED, CANCELED = EVENTS


def made(catalog: Catalog, scope: Scope = LOCAL, **fields: Any) -> WebhookRecord:
    return catalog.webhooks.create(scope, validate(CreateWebhookRequest, {"url": URL, **fields}))


def ran(catalog: Catalog, *, run_id: str = "run_1", status: str = "completed", **ended: Any) -> str:
    """A run that has begun and ended, as the stages tell the catalog."""
    now = catalog.executions.clock
    catalog.executions.begin(execution(run_id=run_id, created_at=now()))
    catalog.executions.update(run_id, status=ExecutionStatus.PROCESSING, started_at=now())
    if status != "processing":
        catalog.executions.update(run_id, status=ExecutionStatus(status), **ended)
    return run_id


def told(catalog: Catalog, webhook: WebhookRecord) -> list[tuple[str | None, str]]:
    page = catalog.deliveries.list(webhook.scope, webhook.webhook_id)
    return sorted((one.run_id, one.event_type) for one in page.results)


def test_a_webhook_hears_of_everything_unless_it_is_said(catalog):
    everything, few = made(catalog), made(catalog, event_types=[FAILED, FAILED], description="few")
    assert everything.event_types == EVENTS
    assert (few.event_types, few.description) == ((FAILED,), "few")
    assert catalog.webhooks.get(LOCAL, few.webhook_id) == few
    assert catalog.webhooks.list(LOCAL) == [few, everything]
    assert everything.secret != few.secret


def test_the_secret_is_shown_to_whoever_made_it_and_nowhere_else(catalog):
    record = made(catalog)
    secret = record.secret.get_secret_value()
    assert record.created().secret == secret
    assert set(CreatedWebhookResponse.model_fields) - set(record.model().model_dump()) == {"secret"}
    stored = catalog.webhooks.get(LOCAL, record.webhook_id)
    for shown in (repr(stored), str(stored.model()), stored.model_dump_json()):
        assert secret not in shown


def test_webhooks_are_of_one_namespace(catalog):
    here, there = made(catalog), made(catalog, ELSEWHERE)
    assert catalog.webhooks.list(ELSEWHERE) == [there]
    for call in (catalog.webhooks.get, catalog.webhooks.delete):
        with pytest.raises(WebhookNotFound, match="no webhook"):
            call(ELSEWHERE, here.webhook_id)
    assert catalog.webhooks.delete(LOCAL, here.webhook_id) == here
    with pytest.raises(WebhookNotFound):
        catalog.webhooks.delete(LOCAL, here.webhook_id)


def test_a_namespace_has_so_many_and_no_more(catalog):
    for _ in range(MOST):
        made(catalog)
    with pytest.raises(StateConflict, match="50 webhooks"):
        made(catalog)
    made(catalog, ELSEWHERE)


@pytest.mark.parametrize(
    ("status", "events"),
    [
        ("processing", [STARTED]),
        ("completed", [COMPLETED, STARTED]),
        ("failed", [FAILED, STARTED]),
        ("canceled", [CANCELED, STARTED]),
    ],
)
def test_a_run_tells_that_it_began_and_how_it_ended(catalog, status, events):
    webhook = made(catalog)
    run_id = ran(catalog, status=status)
    assert catalog.outbox.announce() == len(events)
    assert told(catalog, webhook) == [(run_id, one) for one in events]
    assert catalog.executions.by_id(run_id).events_owed == ()


def test_a_run_that_waits_owes_nothing_and_one_that_never_began_only_its_end(catalog):
    webhook = made(catalog)
    catalog.executions.begin(execution(run_id="run_1"))
    assert catalog.outbox.announce() == 0
    catalog.executions.update("run_1", status=ExecutionStatus.FAILED)
    catalog.outbox.announce()
    assert told(catalog, webhook) == [("run_1", FAILED)]


def test_each_event_is_told_once_however_often_somebody_looks(catalog):
    webhook = made(catalog)
    run_id = ran(catalog, status="processing")
    assert [catalog.outbox.announce() for _ in range(2)] == [1, 0]
    catalog.executions.update(run_id, status=ExecutionStatus.COMPLETED)
    catalog.executions.interrupt(run_id)
    catalog.executions.update(run_id, run_name="named afterwards")
    assert [catalog.outbox.announce() for _ in range(2)] == [1, 0]
    assert told(catalog, webhook) == [(run_id, COMPLETED), (run_id, STARTED)]


def test_whoever_dies_before_the_debt_is_crossed_out_leaves_no_second_message(catalog):
    webhook = made(catalog)
    run_id = ran(catalog)
    survives = replace(catalog.outbox, executions=Unwritable(table=catalog.executions.table))
    assert survives.announce() == 2
    assert catalog.executions.by_id(run_id).events_owed == (STARTED, COMPLETED)
    before = catalog.deliveries.list(LOCAL, webhook.webhook_id)
    assert catalog.outbox.announce() == 0
    assert catalog.deliveries.list(LOCAL, webhook.webhook_id) == before
    assert catalog.executions.by_id(run_id).events_owed == ()


@dataclass(frozen=True, kw_only=True)
class Unwritable:
    """The executions of somebody who dies before every write."""

    table: Table

    def find(self, *arguments: Any, **options: Any) -> list[dict[str, Any]]:
        return self.table.find(*arguments, **options)

    def swap(self, *_arguments: Any) -> None:
        """Is never done."""


@dataclass(frozen=True, kw_only=True)
class Meanwhile(Unwritable):
    """The executions, which somebody else changes after they were read."""

    change: Callable[[], object]

    def swap(self, *arguments: Any) -> object:
        self.change()
        return self.table.swap(*arguments)


def test_a_run_that_ends_while_its_start_is_told_is_told_to_have_ended(catalog):
    webhook = made(catalog)
    run_id = ran(catalog, status="processing")

    def end() -> None:
        catalog.executions.update(run_id, status=ExecutionStatus.COMPLETED)

    table = Meanwhile(table=catalog.executions.table, change=end)
    assert replace(catalog.outbox, executions=table).announce() == 1
    assert catalog.outbox.announce() == 1
    assert told(catalog, webhook) == [(run_id, COMPLETED), (run_id, STARTED)]


def test_only_those_hear_who_listen_and_nothing_from_before(catalog):
    first = ran(catalog)
    webhooks = made(catalog), made(catalog, event_types=[FAILED]), made(catalog, ELSEWHERE)
    second = ran(catalog, run_id="run_2")
    assert catalog.outbox.announce() == 2
    assert [told(catalog, one) for one in webhooks] == [
        [(second, COMPLETED), (second, STARTED)],
        [],
        [],
    ]
    assert catalog.executions.by_id(first).events_owed == ()


def test_with_nobody_listening_debts_are_crossed_out_and_a_look_reads_nothing(catalog, database):
    for number in range(20):
        ran(catalog, run_id=f"run_{number}")
    assert catalog.outbox.announce() == 0
    explained = database.command(
        "explain",
        {"find": "executions", "filter": {"owes_events": True}, "sort": {"view.created_at": 1}},
        verbosity="executionStats",
    )["executionStats"]
    assert (explained["totalDocsExamined"], explained["totalKeysExamined"]) == (0, 0)


def test_the_message_says_what_happened(catalog):
    webhook = made(catalog)
    ran(catalog, num_clusters=3, num_points=40)
    catalog.outbox.announce()
    page = catalog.deliveries.list(LOCAL, webhook.webhook_id)
    payloads = {one.event_type: one.payload for one in page.results}
    run = catalog.executions.by_id("run_1")
    assert payloads[STARTED]["timestamp"] == iso(run.started_at)
    assert payloads[STARTED]["data"]["status"] == "processing"
    assert "num_clusters" not in payloads[STARTED]["data"]
    assert payloads[COMPLETED] == {
        "type": COMPLETED,
        "timestamp": iso(run.completed_at),
        "data": {
            "cluster_name": None,
            "cluster_id": run.cluster_id,
            "run_id": "run_1",
            "task_id": run.task_id,
            "namespace_id": LOCAL.namespace_id,
            "mode": None,
            "trigger": "manual",
            "trigger_id": None,
            "created_at": iso(run.created_at),
            "started_at": iso(run.started_at),
            "task_status": None,
            "num_clusters": 3,
            "num_points": 40,
            "error_message": None,
            "failure_category": None,
            "completed_at": iso(run.completed_at),
            "status": "completed",
        },
    }


def test_what_a_deleted_definition_owes_is_told_before_it_goes(catalog):
    webhook = made(catalog)
    run_id = ran(catalog)
    cluster_id = catalog.executions.by_id(run_id).cluster_id
    assert catalog.outbox.announce_of("clust_other") == 0
    assert catalog.outbox.announce_of(cluster_id) == 2
    catalog.executions.delete_of(cluster_id)
    assert len(told(catalog, webhook)) == 2


def message(catalog: Catalog, webhook: WebhookRecord, number: int = 0) -> DeliveryRecord:
    now = utc_now()
    record = DeliveryRecord(
        delivery_id=f"msg_{webhook.webhook_id}_{number}",
        webhook_id=webhook.webhook_id,
        organization_id=webhook.organization_id,
        namespace_id=webhook.namespace_id,
        event_type=STARTED,
        body=json.dumps({"number": number}),
        next_attempt_at=now - timedelta(minutes=9 - number),
        created_at=now,
    )
    assert catalog.deliveries.put(record)
    return record


def test_what_is_due_is_read_webhook_by_webhook_the_oldest_first(catalog):
    late, early = made(catalog), made(catalog)
    wanted = [message(catalog, early, number) for number in range(3)]
    other = message(catalog, late, 2)
    assert list(catalog.deliveries.due(utc_now(), each=2).items()) == [
        (early.webhook_id, wanted[:2]),
        (late.webhook_id, [other]),
    ]
    assert catalog.deliveries.due(utc_now() - timedelta(hours=1), each=2) == {}


def test_a_message_is_taken_by_one_and_by_another_when_that_one_died(catalog):
    record, now = message(catalog, made(catalog)), utc_now()
    assert catalog.deliveries.take(record, now + timedelta(minutes=2))
    assert not catalog.deliveries.take(record, now + timedelta(minutes=2))
    assert catalog.deliveries.due(now, each=1) == {}
    ((again,),) = catalog.deliveries.due(now + timedelta(minutes=2), each=1).values()
    assert (again.begun, again.attempts) == (1, ())
    assert catalog.deliveries.take(again, now + timedelta(minutes=4))


def test_the_log_keeps_each_attempt(catalog):
    webhook = made(catalog)
    record, now = message(catalog, webhook), utc_now()
    tries = [DeliveryAttempt(at=now, error="no answer"), DeliveryAttempt(at=now, status_code=200)]
    catalog.deliveries.note(
        record.delivery_id, tries[0], status="pending", next_attempt_at=now + timedelta(minutes=1)
    )
    catalog.deliveries.note(record.delivery_id, tries[1], status="delivered")
    (shown,) = catalog.deliveries.list(LOCAL, webhook.webhook_id).results
    assert (shown.status, shown.attempts, shown.next_attempt_at) == ("delivered", tries, None)
    assert catalog.deliveries.due(now + timedelta(days=1), each=1) == {}
    listed = {
        status: catalog.deliveries.list(LOCAL, webhook.webhook_id, status=status).total_count
        for status in ("pending", "delivered", "failed")
    }
    assert listed == {"pending": 0, "delivered": 1, "failed": 0}


def test_messages_go_with_their_webhook_and_in_the_end_by_themselves(catalog, database):
    webhook = made(catalog)
    record = message(catalog, webhook)
    (stored,) = database["webhook_deliveries"].find()
    assert stored["expires_at"].replace(tzinfo=UTC) == record.created_at + timedelta(days=30)
    kept = database["webhook_deliveries"].index_information()["expires_at_1"]
    assert kept["expireAfterSeconds"] == 0
    catalog.webhooks.delete(LOCAL, webhook.webhook_id)
    attempt = DeliveryAttempt(at=utc_now(), status_code=200)
    assert catalog.deliveries.note(record.delivery_id, attempt, status="delivered") is None
    assert database["webhook_deliveries"].count_documents({}) == 0
