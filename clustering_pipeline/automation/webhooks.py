"""Delivers messages to webhooks: at least once, later and later, and never for long at a time."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from clustering_pipeline.model.automation.webhooks import (
    TEST,
    CreateWebhookRequest,
    DeliveryAttempt,
    DeliveryRecord,
    WebhookRecord,
)
from clustering_pipeline.model.ids import new_id
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.model.times import iso, utc_now
from clustering_pipeline.notifications.sender import signed_headers
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.stores.catalog.automation.outbox import message

# Seconds to wait after each attempt that failed; after as many, and one more, nobody tries again.
BACKOFF = (10, 60, 300, 1800, 7200, 18_000, 36_000)
BUDGET_SECONDS = 5.0
"""No attempt begins later than that in a look; each ends within the sender's own limit, and what
looking up a name takes."""
WEBHOOKS_AT_ONCE = 8
EACH = 20
_LEASE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What one look has delivered, and what failed."""

    taken: int = 0
    failed: int = 0


def create_webhook(
    pipeline: Pipeline,
    scope: Scope,
    request: CreateWebhookRequest,
    *,
    created_by: str | None = None,
) -> WebhookRecord:
    """Stores a webhook; raises ReceiverRefused for an address that must not be posted to."""
    pipeline.sender.check(request.url)
    return pipeline.catalog.webhooks.create(scope, request, created_by=created_by)


def try_webhook(pipeline: Pipeline, scope: Scope, webhook_id: str) -> DeliveryRecord:
    """Sends a message that says nothing, now and once; raises WebhookNotFound."""
    webhook = pipeline.catalog.webhooks.get(scope, webhook_id)
    now = utc_now()
    record = DeliveryRecord(
        delivery_id=new_id("msg"),
        webhook_id=webhook_id,
        organization_id=scope.organization_id,
        namespace_id=scope.namespace_id,
        event_type=TEST,
        body=message(TEST, iso(now), {"webhook_id": webhook_id}),
        begun=len(BACKOFF) + 1,
        # If this process dies meanwhile, somebody else sends it, so that it does not stay pending.
        next_attempt_at=now + _LEASE,
        created_at=now,
    )
    pipeline.catalog.deliveries.put(record)
    _attempt(pipeline, webhook, record)
    return pipeline.catalog.deliveries.get(record.delivery_id) or record


def deliver(pipeline: Pipeline, *, budget: float = BUDGET_SECONDS) -> Delivered:
    """Tries what is due, several webhooks at once, the messages of each one after the other.

    A webhook that fails is left alone until the next look, so that one receiver that is down costs
    one attempt; those that have not failed come first, so that many that are down hold up no other.
    """
    due = pipeline.catalog.deliveries.due(utc_now(), each=EACH)
    if not due:
        return Delivered()
    deadline = time.monotonic() + budget
    webhooks = pipeline.catalog.webhooks.everywhere()
    work = partial(_to_one, pipeline, webhooks, deadline=deadline)
    order = in_turn(due, webhooks)
    with ThreadPoolExecutor(min(WEBHOOKS_AT_ONCE, len(due))) as pool:
        deliveries = list(pool.map(work, order, [due[webhook_id] for webhook_id in order]))
    return Delivered(
        taken=sum(delivery.taken for delivery in deliveries),
        failed=sum(delivery.failed for delivery in deliveries),
    )


def in_turn(due: Iterable[str], webhooks: Mapping[str, WebhookRecord]) -> list[str]:
    """The webhooks that are due, those that failed least often in a row first.

    Of these, the first of each namespace, then the second of each: a tenant whose receivers take
    their time holds up its own.
    """
    seen: Counter[tuple[int, Scope]] = Counter()

    def turn(webhook_id: str) -> tuple[int, int]:
        webhook = webhooks.get(webhook_id)
        if webhook is None:
            return 0, 0
        failures = webhook.consecutive_failures
        seen[failures, webhook.scope] += 1
        return failures, seen[failures, webhook.scope]

    return sorted(due, key=turn)


def _to_one(
    pipeline: Pipeline,
    webhooks: Mapping[str, WebhookRecord],
    webhook_id: str,
    messages: Sequence[DeliveryRecord],
    *,
    deadline: float,
) -> Delivered:
    webhook = webhooks.get(webhook_id)
    if webhook is None:
        # It was deleted between a message's making and its storing.
        pipeline.catalog.deliveries.delete_of(webhook_id)
        return Delivered()
    taken = 0
    for record in messages:
        if time.monotonic() > deadline:
            break
        if not pipeline.catalog.deliveries.take(record, utc_now() + _LEASE):
            continue
        begun = record.model_copy(update={"begun": record.begun + 1})
        if not _attempt(pipeline, webhook, begun):
            return Delivered(taken=taken, failed=1)
        taken += 1
    return Delivered(taken=taken)


def _attempt(pipeline: Pipeline, webhook: WebhookRecord, record: DeliveryRecord) -> bool:
    at, body = utc_now(), record.body.encode()
    secret = webhook.secret.get_secret_value()
    signed = signed_headers(secret, record.delivery_id, int(at.timestamp()), body)
    answer = pipeline.sender.post(webhook.url, signed, body)
    attempt = DeliveryAttempt(
        at=at, status_code=answer.status, error=answer.error, seconds=round(answer.seconds, 3)
    )
    again = None if answer.taken else next_attempt(record.begun, utc_now())
    ended = "delivered" if answer.taken else "failed"
    pipeline.catalog.webhooks.answered(webhook, taken=answer.taken)
    pipeline.catalog.deliveries.note(
        record.delivery_id,
        attempt,
        status=ended if again is None else "pending",
        next_attempt_at=again,
    )
    return answer.taken


def next_attempt(begun: int, now: datetime) -> datetime | None:
    """When to try again after so many attempts; None when that was the last."""
    if begun > len(BACKOFF):
        return None
    return now + timedelta(seconds=BACKOFF[begun - 1])
