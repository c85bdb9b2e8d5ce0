"""Webhooks: receivers outside that are told what runs do, and the log of telling them."""

import base64
import json
import secrets
from typing import Any, Literal

from pydantic import Field, SecretStr

from clustering_pipeline.model.base import Record, RequestModel, View
from clustering_pipeline.model.executions.execution import EVENTS, RunEvent
from clustering_pipeline.model.scope import Scoped
from clustering_pipeline.model.times import Moment

SECRET_PREFIX = "whsec_"  # noqa: S105 - how every secret begins
TEST = "webhook.test"
DeliveryStatus = Literal["pending", "delivered", "failed"]


class CreateWebhookRequest(RequestModel):
    """Who is to be told what."""

    url: str = Field(min_length=1, max_length=2048)
    """Where messages are posted to: an HTTPS endpoint at a public address."""
    event_types: list[RunEvent] = Field(default=list(EVENTS), min_length=1)
    """What to tell; everything when missing."""
    description: str | None = Field(default=None, max_length=2000)
    """What it is for."""


class WebhookModel(View):
    """A webhook as clients read it; its secret was shown when it was made."""

    webhook_id: str
    """Its id."""
    namespace_id: str
    """The namespace whose runs it hears of."""
    url: str
    """Where messages are posted to."""
    event_types: list[str]
    """What it is told."""
    description: str | None
    """What it is for."""
    created_at: Moment
    """When it was made; it hears of nothing earlier."""
    created_by: str | None
    """The key that made it."""
    consecutive_failures: int
    """Attempts in a row that failed; while there are some, others are served first."""


class CreatedWebhookResponse(WebhookModel):
    """A webhook just made, with its secret, which is not shown again."""

    secret: str
    """What messages are signed with (HMAC-SHA256), as `whsec_` and base64."""


class ListWebhooksResponse(View):
    """The webhooks of a namespace, newest first."""

    results: list[WebhookModel]
    """The webhooks."""
    total_count: int
    """How many there are."""


class DeliveryAttempt(View):
    """One attempt to deliver a message."""

    at: Moment
    """When it was made."""
    status_code: int | None = None
    """What the receiver answered; null when there was no answer."""
    error: str | None = None
    """Why there was none."""
    seconds: float = 0.0
    """How long it took."""


class DeliveryModel(View):
    """A message to a webhook, and what became of it."""

    delivery_id: str
    """Its id, the same in each attempt: the header `webhook-id`."""
    webhook_id: str
    """The webhook."""
    event_type: str
    """What it tells."""
    cluster_id: str | None
    """The definition it is about."""
    run_id: str | None
    """The execution it is about."""
    status: DeliveryStatus
    """Failed when nobody tries any more."""
    attempts: list[DeliveryAttempt]
    """What was tried, oldest first."""
    next_attempt_at: Moment | None
    """When it is tried again."""
    created_at: Moment
    """When it was put into the outbox."""
    payload: dict[str, Any]
    """The message."""


class ListDeliveriesResponse(View):
    """A page of messages, newest first."""

    results: list[DeliveryModel]
    """The messages of this page."""
    total_count: int
    """Matches on all pages."""


class WebhookRecord(Scoped):
    """A webhook as the catalog keeps it."""

    webhook_id: str
    url: str
    event_types: tuple[str, ...]
    secret: SecretStr
    description: str | None = None
    created_at: Moment
    created_by: str | None = None
    consecutive_failures: int = 0

    def model(self) -> WebhookModel:
        """The view, without the secret."""
        return WebhookModel.model_validate(self.model_dump(include=set(WebhookModel.model_fields)))

    def created(self) -> CreatedWebhookResponse:
        """The view for whoever made it."""
        secret = self.secret.get_secret_value()
        return CreatedWebhookResponse.model_validate(
            {**self.model().model_dump(), "secret": secret}
        )


class DeliveryRecord(Record):
    """A message in the outbox."""

    delivery_id: str
    webhook_id: str
    organization_id: str
    namespace_id: str
    event_type: str
    cluster_id: str | None = None
    run_id: str | None = None
    body: str
    """What is sent, and signed, each time."""
    status: DeliveryStatus = "pending"
    begun: int = 0
    """Attempts begun; one may have died before it was noted."""
    attempts: tuple[DeliveryAttempt, ...] = ()
    next_attempt_at: Moment | None = None
    created_at: Moment

    def model(self) -> DeliveryModel:
        """The view."""
        given = self.model_dump(include=set(DeliveryModel.model_fields))
        return DeliveryModel.model_validate({**given, "payload": json.loads(self.body)})


def new_signing_secret() -> str:
    """A fresh secret, 256 random bits."""
    return f"{SECRET_PREFIX}{base64.b64encode(secrets.token_bytes(32)).decode()}"
