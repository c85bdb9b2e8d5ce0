"""Messages to webhooks: an outbox while they wait, a log when they are over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from clustering_pipeline.model.automation.webhooks import (
    DeliveryAttempt,
    DeliveryRecord,
    DeliveryStatus,
    ListDeliveriesResponse,
)
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.model.times import Clock, iso
from clustering_pipeline.stores.catalog.table import Duplicate, Table, within

KEPT = timedelta(days=30)
_OLDEST = (("next_attempt_at", 1), ("_id", 1))
_NEWEST = (("created_at", -1), ("_id", -1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliveries:
    """Messages by an id of their own; MongoDB removes them after ``KEPT``."""

    table: Table
    clock: Clock

    def put(self, record: DeliveryRecord) -> bool:
        """Puts a message in; False when it is there already."""
        expires = {"expires_at": record.created_at + KEPT}
        document = {"_id": record.delivery_id, **record.model_dump(mode="json"), **expires}
        try:
            self.table.insert(document)
        except Duplicate:
            return False
        return True

    def get(self, delivery_id: str) -> DeliveryRecord | None:
        """The message, if it is there still."""
        return self.table.first({"_id": delivery_id}, DeliveryRecord.model_validate)

    def due(self, now: datetime, *, each: int) -> Mapping[str, Sequence[DeliveryRecord]]:
        """Webhook to its messages whose time has come, the longest waiting first of both.

        At most ``each`` of a webhook, so that one with many does not hide the others.
        """
        due = {"status": "pending", "next_attempt_at": {"$lte": iso(now)}}
        waiting = self.table.aggregate(
            [
                {"$match": due},
                {"$group": {"_id": "$webhook_id", "since": {"$min": "$next_attempt_at"}}},
                {"$sort": {"since": 1, "_id": 1}},
            ]
        )
        return {
            webhook["_id"]: [
                DeliveryRecord.model_validate(message)
                for message in self.table.find(
                    due | {"webhook_id": webhook["_id"]}, sort=_OLDEST, limit=each
                )
            ]
            for webhook in waiting
        }

    def take(self, record: DeliveryRecord, until: datetime) -> bool:
        """Begins an attempt; False when somebody else did.

        Whoever took it and died leaves it to others from ``until`` on.
        """
        query = {"_id": record.delivery_id, "status": "pending", "begun": record.begun}
        changes = {"$set": {"next_attempt_at": iso(until)}, "$inc": {"begun": 1}}
        return self.table.swap(query, changes) is not None

    def note(
        self,
        delivery_id: str,
        attempt: DeliveryAttempt,
        *,
        status: DeliveryStatus,
        next_attempt_at: datetime | None = None,
    ) -> DeliveryRecord | None:
        """Ends an attempt; None when the webhook was deleted meanwhile."""
        then = None if next_attempt_at is None else iso(next_attempt_at)
        document = self.table.swap(
            {"_id": delivery_id, "status": "pending"},
            {
                "$set": {"status": status, "next_attempt_at": then},
                "$push": {"attempts": attempt.model_dump(mode="json")},
            },
        )
        return None if document is None else DeliveryRecord.model_validate(document)

    def list(
        self,
        scope: Scope,
        webhook_id: str,
        *,
        status: DeliveryStatus | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> ListDeliveriesResponse:
        """A page of the messages to a webhook, newest first."""
        in_status = {} if status is None else {"status": status}
        query = within(scope, webhook_id=webhook_id, **in_status)
        rows = self.table.find(query, sort=_NEWEST, skip=offset, limit=limit)
        return ListDeliveriesResponse(
            results=[DeliveryRecord.model_validate(row).model() for row in rows],
            total_count=self.table.count(query),
        )

    def delete_of(self, webhook_id: str) -> int:
        """Forgets the messages to a webhook."""
        return self.table.delete({"webhook_id": webhook_id})
