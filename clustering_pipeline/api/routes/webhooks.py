"""Webhooks: receivers that are told what runs do, and the log of telling them."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from clustering_pipeline.api.addresses import Decoded
from clustering_pipeline.api.dependencies import Reader, TheCatalog, ThePipeline, Writer
from clustering_pipeline.api.errors import documented
from clustering_pipeline.api.routes.collections import Limit, Offset
from clustering_pipeline.automation.webhooks import create_webhook as create
from clustering_pipeline.automation.webhooks import try_webhook
from clustering_pipeline.model.automation.webhooks import (
    CreatedWebhookResponse,
    CreateWebhookRequest,
    DeliveryModel,
    DeliveryStatus,
    ListDeliveriesResponse,
    ListWebhooksResponse,
    WebhookModel,
)
from clustering_pipeline.model.definitions.views import GenericDeleteResponse

router = APIRouter(prefix="/webhooks", tags=["webhooks"])

WebhookId = Annotated[str, Path(description="Id of a webhook."), Decoded]


@router.post("", responses=documented(404, 409))
def create_webhook(
    request: CreateWebhookRequest, caller: Writer, pipeline: ThePipeline
) -> CreatedWebhookResponse:
    """Tell a receiver what the runs of the namespace do; the secret is in this answer alone.

    Messages are signed as in Standard Webhooks: `webhook-id`, `webhook-timestamp` and
    `webhook-signature`. Each is sent at least once, always under the same `webhook-id`.
    """
    return create(pipeline, caller.scope, request, created_by=caller.key.key_id).created()


@router.get("")
def list_webhooks(caller: Reader, catalog: TheCatalog) -> ListWebhooksResponse:
    """List the webhooks of the namespace, newest first."""
    webhooks = [record.model() for record in catalog.webhooks.list(caller.scope)]
    return ListWebhooksResponse(results=webhooks, total_count=len(webhooks))


@router.get("/{webhook_id}", responses=documented(404))
def get_webhook(webhook_id: WebhookId, caller: Reader, catalog: TheCatalog) -> WebhookModel:
    """Read a webhook."""
    return catalog.webhooks.get(caller.scope, webhook_id).model()


@router.delete("/{webhook_id}", responses=documented(404))
def delete_webhook(
    webhook_id: WebhookId, caller: Writer, catalog: TheCatalog
) -> GenericDeleteResponse:
    """Delete a webhook with its log; what was not delivered yet is not sent any more."""
    record = catalog.webhooks.delete(caller.scope, webhook_id)
    return GenericDeleteResponse(message=f"deleted {record.webhook_id}")


@router.post("/{webhook_id}/test", responses=documented(404))
def test_webhook(webhook_id: WebhookId, caller: Writer, pipeline: ThePipeline) -> DeliveryModel:
    """Send a `webhook.test` message, now and once, and say what came of it."""
    return try_webhook(pipeline, caller.scope, webhook_id).model()


@router.get("/{webhook_id}/deliveries", responses=documented(404))
def list_webhook_deliveries(
    webhook_id: WebhookId,
    caller: Reader,
    catalog: TheCatalog,
    *,
    status: Annotated[DeliveryStatus | None, Query(description="Those in one state alone.")] = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> ListDeliveriesResponse:
    """List the messages of the last 30 days to a webhook, newest first, with every attempt."""
    webhook = catalog.webhooks.get(caller.scope, webhook_id)
    return catalog.deliveries.list(
        caller.scope, webhook.webhook_id, status=status, limit=limit, offset=offset
    )
