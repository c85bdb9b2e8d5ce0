"""From what runs owe to messages in the outbox: once for each event and webhook, whatever dies.

An execution says in the write that changes its state that it owes its listeners an event.  Here the
messages are made, under ids that follow from webhook, run and event, and only then is the debt
crossed out: whoever dies in between leaves it to the next look, which finds the messages there.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clustering_pipeline.model.automation.webhooks import DeliveryRecord, WebhookRecord
from clustering_pipeline.model.executions.execution import STARTED, events_owed
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.model.status import ExecutionStatus
from clustering_pipeline.model.times import Clock
from clustering_pipeline.stores.catalog.automation.deliveries import Deliveries
from clustering_pipeline.stores.catalog.automation.webhooks import Webhooks
from clustering_pipeline.stores.catalog.table import Document, Table

AT_ONCE = 500
_ALWAYS = (
    "cluster_id",
    "run_id",
    "task_id",
    "namespace_id",
    "mode",
    "trigger",
    "trigger_id",
    "created_at",
    "started_at",
)
_AT_THE_END = (
    "task_status",
    "num_clusters",
    "num_points",
    "error_message",
    "failure_category",
    "completed_at",
)
_READ = (*_ALWAYS, *_AT_THE_END, "status", "announced", "spec.cluster_name")
_FIELDS = ("version", "organization_id", "namespace_id", *(f"view.{name}" for name in _READ))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """What is owed is read from executions and written to deliveries."""

    executions: Table
    webhooks: Webhooks
    deliveries: Deliveries
    clock: Clock

    def announce(self, *, limit: int = AT_ONCE) -> int:
        """Pays what executions owe, the oldest first; how many messages that made."""
        return self._announce({"owes_events": True}, limit=limit)

    def announce_of(self, cluster_id: str) -> int:
        """The same for one definition, before its executions are deleted."""
        return self._announce({"owes_events": True, "cluster_id": cluster_id}, limit=0)

    def _announce(self, query: Mapping[str, Any], *, limit: int) -> int:
        owing = self.executions.find(
            query, sort=[("view.created_at", 1)], limit=limit, fields=_FIELDS
        )
        if not owing:
            return 0
        listening = self.webhooks.listening()
        return sum(self._pay(row, listening) for row in owing)

    def _pay(self, execution: Document, listening: Mapping[Scope, Sequence[WebhookRecord]]) -> int:
        view = execution["view"]
        scope = Scope(
            organization_id=execution["organization_id"], namespace_id=execution["namespace_id"]
        )
        announced = view.get("announced") or []
        owed = events_owed(
            ExecutionStatus(view["status"]),
            started=view.get("started_at") is not None,
            announced=announced,
        )
        made = sum(
            self.deliveries.put(message)
            for event in owed
            for message in _messages(view, event, listening.get(scope, ()), self.clock())
        )
        # What was changed since it was read may owe more: then this is done again.
        self.executions.swap(
            {"_id": execution["_id"], "version": execution["version"]},
            {
                "$set": {"view.announced": [*announced, *owed], "owes_events": False},
                "$inc": {"version": 1},
            },
        )
        return made


def message(event: str, happened: str, data: Mapping[str, Any]) -> str:
    """What receivers read, in the form of Standard Webhooks."""
    return json.dumps({"type": event, "timestamp": happened, "data": data}, ensure_ascii=False)


def _messages(
    view: Mapping[str, Any], event: str, listening: Sequence[WebhookRecord], now: datetime
) -> Iterator[DeliveryRecord]:
    happened = view["started_at"] if event == STARTED else view["completed_at"]
    body = message(event, happened, _data(view, event))
    at = datetime.fromisoformat(happened)
    for webhook in listening:
        if event in webhook.event_types and at >= webhook.created_at:
            yield DeliveryRecord(
                delivery_id=_delivery_id(webhook.webhook_id, view["run_id"], event),
                webhook_id=webhook.webhook_id,
                organization_id=webhook.organization_id,
                namespace_id=webhook.namespace_id,
                event_type=event,
                cluster_id=view["cluster_id"],
                run_id=view["run_id"],
                body=body,
                # In the order of events, where several wait.
                next_attempt_at=min(at, now),
                created_at=now,
            )


def _data(view: Mapping[str, Any], event: str) -> dict[str, Any]:
    """What stood in the execution when the event happened, under the names of the API."""
    named = {"cluster_name": (view.get("spec") or {}).get("cluster_name")}
    facts = named | {field: view.get(field) for field in _ALWAYS}
    if event == STARTED:
        return facts | {"status": ExecutionStatus.PROCESSING.value}
    return facts | {field: view.get(field) for field in (*_AT_THE_END, "status")}


def _delivery_id(webhook_id: str, run_id: str, event: str) -> str:
    digest = hashlib.sha256(f"{webhook_id}/{run_id}/{event}".encode()).hexdigest()
    return f"msg_{digest[:32]}"
