"""Webhooks over a real server: every message signed, tried until it is taken, and told once."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import uuid4

import dagster as dg
import pytest

from clustering_pipeline.automation.webhooks import (
    BACKOFF,
    Delivered,
    create_webhook,
    deliver,
    in_turn,
    next_attempt,
    try_webhook,
)
from clustering_pipeline.defs.graph import stored_definitions
from clustering_pipeline.defs.jobs import build_jobs
from clustering_pipeline.defs.resources import RESOURCE
from clustering_pipeline.defs.sensors.runs import build_sensors
from clustering_pipeline.model.automation.webhooks import (
    CreateWebhookRequest,
    DeliveryModel,
    WebhookRecord,
)
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.errors import ReceiverRefused, WebhookNotFound
from clustering_pipeline.model.scope import LOCAL, Scope
from clustering_pipeline.model.status import ExecutionStatus
from clustering_pipeline.model.times import iso, utc_now
from clustering_pipeline.notifications.sender import Answer, Sender
from clustering_pipeline_tests.model.factories import execution
from clustering_pipeline_tests.notifications.receivers import (
    LOOPBACK,
    Received,
    Receiver,
    hang,
    receiving,
    status,
)
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import KMEANS, World

ELSEWHERE = Scope(organization_id="int_local", namespace_id="ns_other")
SENSORS = {sensor.name: sensor for sensor in build_sensors(build_jobs(stored_definitions()))}


@pytest.fixture
def there(world: World) -> Iterator[World]:
    yield world.over(sender=LOOPBACK)
    webhooks = world.pipeline.catalog.webhooks
    for one in webhooks.everywhere().values():
        webhooks.delete(one.scope, one.webhook_id)


def listen(world: World, receiver: Receiver, **fields: object) -> WebhookRecord:
    request = validate(CreateWebhookRequest, {"url": receiver.url, **fields})
    return create_webhook(world.pipeline, LOCAL, request)


def ran(world: World) -> str:
    """A run, as far as the catalog hears of one."""
    executions, run_id = world.pipeline.catalog.executions, f"run_{uuid4().hex}"
    executions.begin(execution(run_id=run_id, created_at=utc_now()))
    executions.update(run_id, status=ExecutionStatus.PROCESSING, started_at=utc_now())
    executions.update(run_id, status=ExecutionStatus.COMPLETED)
    return run_id


def look(world: World) -> str:
    """What the sensor says, having looked once."""
    context = dg.build_sensor_context(instance=world.instance, resources={RESOURCE: world.pipeline})
    return SENSORS["notify_webhooks"](context).skip_message


def log(world: World, webhook: WebhookRecord) -> list[DeliveryModel]:
    page = world.pipeline.catalog.deliveries.list(LOCAL, webhook.webhook_id)
    return sorted(page.results, key=lambda one: one.event_type)


def come(world: World, delivery: DeliveryModel) -> None:
    """The time of the next attempt has come."""
    table = world.pipeline.catalog.deliveries.table
    due = {"next_attempt_at": iso(utc_now() - timedelta(seconds=1))}
    assert table.swap({"_id": delivery.delivery_id, "status": "pending"}, {"$set": due})


def verify(webhook: WebhookRecord, heard: Received) -> None:
    """As receivers do it."""
    key = base64.b64decode(webhook.secret.get_secret_value().removeprefix("whsec_"))
    signed = f"{heard.headers['webhook-id']}.{heard.headers['webhook-timestamp']}.".encode()
    digest = hmac.new(key, signed + heard.body, hashlib.sha256).digest()
    assert heard.headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    assert abs(int(heard.headers["webhook-timestamp"]) - utc_now().timestamp()) < 300


def test_a_run_is_told_signed_and_once_whatever_is_said_of_it_again(there):
    definition = there.define(
        there.collection(planted(sizes={"sea": 12, "court": 9})),
        KMEANS | {"algorithm_params": {"n_clusters": 2}},
    )
    with receiving() as receiver:
        webhook = listen(there, receiver)
        run = there.execute(definition)
        said = [look(there)]
        for _ in range(2):
            again(there, run.result)
            said.append(look(there))
    assert said == [
        f"{count} messages made, {count} delivered, 0 attempts failed" for count in (2, 0, 0)
    ]
    told = [json.loads(one.body) for one in receiver.heard]
    assert [one["type"] for one in told] == [
        "cluster.execution.started",
        "cluster.execution.completed",
    ]
    for heard in receiver.heard:
        verify(webhook, heard)
    assert len({heard.headers["webhook-id"] for heard in receiver.heard}) == 2
    data = {one["type"].rpartition(".")[2]: one["data"] for one in told}
    assert (data["completed"]["num_clusters"], data["completed"]["num_points"]) == (2, 21)
    for one in data.values():
        assert (one["run_id"], one["cluster_name"]) == (run.run_id, definition.name)
    assert [(one.status, one.attempts[0].status_code) for one in log(there, webhook)] == [
        ("delivered", 200)
    ] * 2


def again(world: World, result: dg.ExecuteInProcessResult) -> None:
    """Dagster says once more how the run ended."""
    context = dg.build_run_status_sensor_context(
        sensor_name="record_success",
        dagster_instance=world.instance,
        dagster_run=result.dagster_run,
        dagster_event=result.all_events[-1],
        resources={RESOURCE: world.pipeline},
    )
    SENSORS["record_success"](context)


def test_an_attempt_that_failed_is_made_again_with_the_same_id(there):
    hasty = there.over(sender=replace(LOOPBACK, seconds=0.3))
    with receiving(status(500), hang, status(200)) as receiver:
        webhook = listen(there, receiver, event_types=["cluster.execution.completed"])
        ran(there)
        seen = [look(there)]
        for world in (hasty, there):
            come(there, log(there, webhook)[0])
            seen.append(look(world))
    (delivery,) = log(there, webhook)
    assert [(one.status_code, one.error) for one in delivery.attempts] == [
        (500, None),
        (None, "no answer within 0.3 s"),
        (200, None),
    ]
    assert (delivery.status, delivery.next_attempt_at) == ("delivered", None)
    assert seen[1] == "0 messages made, 0 delivered, 1 attempts failed"
    assert {one.headers["webhook-id"] for one in receiver.heard} == {delivery.delivery_id}
    assert len({one.body for one in receiver.heard}) == 1
    for heard in receiver.heard:
        verify(webhook, heard)


def test_it_is_put_off_for_longer_and_longer_and_then_given_up(there):
    with receiving(status(503)) as receiver:
        webhook = listen(there, receiver, event_types=["cluster.execution.started"])
        ran(there)
        waits = []
        look(there)
        for _ in BACKOFF:
            delivery = log(there, webhook)[0]
            last = delivery.attempts[-1].at
            waits.append((delivery.next_attempt_at - last).total_seconds())
            assert there.pipeline.catalog.deliveries.due(last, each=1) == {}
            come(there, delivery)
            look(there)
    (delivery,) = log(there, webhook)
    assert (delivery.status, delivery.next_attempt_at) == ("failed", None)
    assert len(receiver.heard) == len(delivery.attempts) == len(BACKOFF) + 1
    assert all(wait >= least for wait, least in zip(waits, BACKOFF, strict=True))
    assert waits == sorted(waits)


def test_the_last_attempt_is_the_last():
    now = utc_now()
    assert next_attempt(1, now) == now + timedelta(seconds=10)
    assert next_attempt(len(BACKOFF), now) == now + timedelta(hours=10)
    assert next_attempt(len(BACKOFF) + 1, now) is None


def test_whoever_died_while_it_posted_leaves_the_message_to_another(there):
    with receiving() as receiver:
        webhook = listen(there, receiver, event_types=["cluster.execution.started"])
        ran(there)
        there.pipeline.catalog.outbox.announce()
        ((taken,),) = there.pipeline.catalog.deliveries.due(utc_now(), each=9).values()
        assert there.pipeline.catalog.deliveries.take(taken, utc_now() + timedelta(minutes=2))
        assert deliver(there.pipeline) == Delivered()
        come(there, log(there, webhook)[0])
        assert deliver(there.pipeline) == Delivered(taken=1)
    assert len(receiver.heard) == 1


@dataclass(frozen=True, kw_only=True)
class Impatient:
    """A sender that waits for one receiver not as long as for others."""

    with_url: str

    def check(self, url: str) -> None:
        LOOPBACK.check(url)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        sender = replace(LOOPBACK, seconds=0.3) if url == self.with_url else LOOPBACK
        return sender.post(url, headers, body)


def test_a_receiver_that_hangs_costs_one_attempt_and_holds_up_nobody(there):
    with receiving(hang) as slow, receiving() as quick:
        hasty = there.over(sender=Impatient(with_url=slow.url))
        slow_one, quick_one = listen(hasty, slow), listen(hasty, quick)
        for _ in range(5):
            ran(hasty)
        hasty.pipeline.catalog.outbox.announce()
        assert deliver(hasty.pipeline, budget=-1.0) == Delivered()
        found = deliver(hasty.pipeline, budget=60.0)
    assert (found, len(slow.heard), len(quick.heard)) == (Delivered(taken=10, failed=1), 1, 10)
    assert {one.status for one in log(hasty, quick_one)} == {"delivered"}
    assert sorted(len(one.attempts) for one in log(hasty, slow_one)) == [0] * 9 + [1]


def test_those_that_failed_wait_for_those_that_did_not(there):
    with receiving(status(500), status(500), status(200)) as receiver:
        failing = listen(there, receiver, event_types=["cluster.execution.completed"])
        for _ in range(2):
            ran(there)
            look(there)
        healthy, other = listen(there, receiver), "hook_gone"
        webhooks = there.pipeline.catalog.webhooks.everywhere()
        assert webhooks[failing.webhook_id].consecutive_failures == 2
        due = [failing.webhook_id, healthy.webhook_id, other]
        assert in_turn(due, webhooks) == [other, healthy.webhook_id, failing.webhook_id]
        come(there, log(there, failing)[0])
        look(there)
    after = there.pipeline.catalog.webhooks.get(LOCAL, failing.webhook_id)
    assert after.consecutive_failures == 0


def test_namespaces_take_turns(there):
    request, webhooks = (
        CreateWebhookRequest(url="https://one.invalid/"),
        there.pipeline.catalog.webhooks,
    )
    ours = [webhooks.create(LOCAL, request).webhook_id for _ in range(3)]
    theirs = [webhooks.create(ELSEWHERE, request).webhook_id for _ in range(2)]
    assert in_turn([*ours, *theirs], webhooks.everywhere()) == [
        *(ours[0], theirs[0]),
        *(ours[1], theirs[1]),
        ours[2],
    ]


def test_what_leads_elsewhere_by_now_is_refused_at_the_post(there):
    with receiving() as receiver:
        webhook = listen(there, receiver, event_types=["cluster.execution.started"])
        ran(there)
        look(there.over(sender=Sender()))
    (delivery,) = log(there, webhook)
    assert receiver.heard == []
    assert delivery.attempts[0].error == (
        "'127.0.0.1' is not at a public address: use another receiver, or allow its network in "
        "CLUSTERING_WEBHOOK_NETWORKS"
    )


def test_a_receiver_that_is_not_public_is_not_registered(world):
    request = CreateWebhookRequest(url="http://127.0.0.1:9/")
    with pytest.raises(ReceiverRefused):
        create_webhook(world.pipeline, LOCAL, request)
    assert world.pipeline.catalog.webhooks.list(LOCAL) == []


def test_messages_to_a_webhook_that_is_gone_go_too(there):
    with receiving() as receiver:
        webhook = listen(there, receiver)
        ran(there)
        there.pipeline.catalog.outbox.announce()
        there.pipeline.catalog.webhooks.table.delete({"_id": webhook.webhook_id})
        assert deliver(there.pipeline) == Delivered()
    assert (receiver.heard, log(there, webhook)) == ([], [])


def test_a_webhook_is_tried_once_and_at_once(there):
    with receiving(status(200), status(404)) as receiver:
        webhook = listen(there, receiver)
        tried = [try_webhook(there.pipeline, LOCAL, webhook.webhook_id) for _ in range(2)]
        look(there)
    assert [(one.status, one.attempts[0].status_code) for one in tried] == [
        ("delivered", 200),
        ("failed", 404),
    ]
    assert [json.loads(one.body)["type"] for one in receiver.heard] == ["webhook.test"] * 2
    verify(webhook, receiver.heard[0])
    with pytest.raises(WebhookNotFound):
        try_webhook(there.pipeline, ELSEWHERE, webhook.webhook_id)


@dataclass(frozen=True, kw_only=True)
class Dying:
    """A sender whose process is killed."""

    def check(self, url: str) -> None:
        LOOPBACK.check(url)

    def post(self, *_arguments: object) -> Answer:
        raise KeyboardInterrupt


def test_what_somebody_tried_who_died_is_ended_by_another(there):
    with receiving(status(404)) as receiver:
        webhook = listen(there, receiver)
        with pytest.raises(KeyboardInterrupt):
            try_webhook(there.over(sender=Dying()).pipeline, LOCAL, webhook.webhook_id)
        (delivery,) = log(there, webhook)
        assert (delivery.status, delivery.next_attempt_at > utc_now()) == ("pending", True)
        come(there, delivery)
        look(there)
    (delivery,) = log(there, webhook)
    assert (delivery.status, len(receiver.heard)) == ("failed", 1)
