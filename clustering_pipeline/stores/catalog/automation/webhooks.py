"""The webhooks of namespaces."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clustering_pipeline.model.automation.webhooks import (
    CreateWebhookRequest,
    WebhookRecord,
    new_signing_secret,
)
from clustering_pipeline.model.errors import StateConflict, WebhookNotFound
from clustering_pipeline.model.ids import new_id
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.model.times import Clock
from clustering_pipeline.stores.catalog.automation.deliveries import Deliveries
from clustering_pipeline.stores.catalog.table import Document, Table, within

MOST = 50
"""Webhooks of a namespace: each event is a message to every one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhooks:
    """Webhooks: made, listed, deleted; only how well they take messages changes."""

    table: Table
    deliveries: Deliveries
    clock: Clock

    def create(
        self, scope: Scope, request: CreateWebhookRequest, *, created_by: str | None = None
    ) -> WebhookRecord:
        """Stores a webhook with a secret of its own; raises StateConflict where there are many."""
        if len(self.list(scope)) >= MOST:
            message = f"there are {MOST} webhooks here already: delete one first"
            raise StateConflict(message)
        record = WebhookRecord(
            webhook_id=new_id("hook"),
            **scope.fields(),
            url=request.url,
            event_types=tuple(dict.fromkeys(request.event_types)),
            secret=new_signing_secret(),
            description=request.description,
            created_at=self.clock(),
            created_by=created_by,
        )
        self.table.insert(_to_document(record))
        return record

    def get(self, scope: Scope, webhook_id: str) -> WebhookRecord:
        """The webhook; raises WebhookNotFound."""
        query = within(scope, _id=webhook_id)
        return self.table.record(query, WebhookRecord.model_validate, _not_found(webhook_id))

    def list(self, scope: Scope) -> list[WebhookRecord]:
        """Those of a namespace, newest first."""
        rows = self.table.find(within(scope), sort=[("created_at", -1), ("_id", -1)])
        return [WebhookRecord.model_validate(row) for row in rows]

    def delete(self, scope: Scope, webhook_id: str) -> WebhookRecord:
        """Forgets it and its messages, those that were not delivered too."""
        record = self.get(scope, webhook_id)
        if not self.table.delete(within(scope, _id=webhook_id)):
            raise _not_found(webhook_id)
        self.deliveries.delete_of(webhook_id)
        return record

    def answered(self, webhook: WebhookRecord, *, taken: bool) -> None:
        """Counts attempts that fail in a row, and forgets them with the first that does not."""
        if taken and not webhook.consecutive_failures:
            return
        name = "consecutive_failures"
        changes = {"$set": {name: 0}} if taken else {"$inc": {name: 1}}
        self.table.swap({"_id": webhook.webhook_id}, changes)

    def everywhere(self) -> Mapping[str, WebhookRecord]:
        """Those of all namespaces, by id."""
        records = map(WebhookRecord.model_validate, self.table.find({}))
        return {webhook.webhook_id: webhook for webhook in records}

    def listening(self) -> Mapping[Scope, Sequence[WebhookRecord]]:
        """Those of all namespaces, by namespace."""
        webhooks: dict[Scope, list[WebhookRecord]] = {}
        for webhook in self.everywhere().values():
            webhooks.setdefault(webhook.scope, []).append(webhook)
        return webhooks


def _to_document(record: WebhookRecord) -> Document:
    secret = record.secret.get_secret_value()
    return {"_id": record.webhook_id, **record.model_dump(mode="json"), "secret": secret}


def _not_found(webhook_id: str) -> WebhookNotFound:
    message = f"no webhook {webhook_id[:200]!r} here: list them to see those there are"
    return WebhookNotFound(message)
