"""Tell receivers outside what runs do."""

from typing import Any

import click

from clustering_pipeline.automation.webhooks import create_webhook, try_webhook
from clustering_pipeline.cli.session import open_session
from clustering_pipeline.cli.terminal.output import (
    confirmation_option,
    emit,
    emit_one,
    note,
    output_options,
)
from clustering_pipeline.model.automation.webhooks import (
    CreateWebhookRequest,
    DeliveryAttempt,
    DeliveryModel,
)
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.executions.execution import EVENTS

LISTED = ("webhook_id", "url", "event_types", "consecutive_failures", "description")
NONE = "no webhooks: clustering-pipeline webhooks create makes one"
LOG = ("created_at", "event_type", "run_id", "status", "attempt_count", "last_answer")


@click.group("webhooks")
def command() -> None:
    """Tell receivers outside when runs start and how they end."""


@command.command()
@click.argument("url")
@click.option(
    "--event",
    "events",
    multiple=True,
    type=click.Choice(EVENTS),
    metavar="EVENT",
    help="cluster.execution.started, …completed, …failed or …canceled; all when missing.",
)
@click.option("--description")
@output_options
def create(output: str, url: str, events: tuple[str, ...], description: str | None) -> None:
    """Make a webhook and print its secret, which cannot be read again."""
    request = {"url": url, "event_types": list(events) or None, "description": description}
    validated = validate(CreateWebhookRequest, request)
    with open_session() as session:
        record = create_webhook(session.pipeline, session.scope, validated)
    emit_one(record.created().model_dump(mode="json"), output=output)
    note("keep the secret: it is not shown again; Dagster's daemon sends: clustering-pipeline up")


@command.command("list")
@output_options
def list_(output: str) -> None:
    """Show the webhooks, newest first."""
    with open_session() as session:
        webhooks = session.pipeline.catalog.webhooks.list(session.scope)
    rows = [webhook.model().model_dump(mode="json") for webhook in webhooks]
    emit(rows, columns=LISTED, output=output, empty=NONE)


@command.command()
@click.argument("webhook")
@confirmation_option("Delete the webhook? What it was not told yet, it will not be told.")
def delete(webhook: str) -> None:
    """Delete a webhook with its log."""
    with open_session() as session:
        record = session.pipeline.catalog.webhooks.delete(session.scope, webhook)
    note(f"deleted {record.webhook_id}")


@command.command("test")
@click.argument("webhook")
@output_options
def test_(output: str, webhook: str) -> None:
    """Send a message that says nothing, now and once.

    It is an error if the receiver does not take it.
    """
    with open_session() as session:
        tried = try_webhook(session.pipeline, session.scope, webhook).model()
    emit_one(_row(tried), output=output)
    if tried.status != "delivered":
        click.echo(f"error: {webhook} was not told: {_why(tried)}", err=True)
        raise click.exceptions.Exit(1)


@command.command()
@click.argument("webhook")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@output_options
def deliveries(output: str, webhook: str, limit: int) -> None:
    """Show what a webhook was told in the last 30 days, newest first."""
    with open_session() as session:
        catalog = session.pipeline.catalog
        record = catalog.webhooks.get(session.scope, webhook)
        page = catalog.deliveries.list(session.scope, record.webhook_id, limit=limit)
    rows = [_row(delivery) for delivery in page.results]
    none = "it has been told nothing yet"
    emit(rows, columns=LOG, output=output, empty=none, total=page.total_count)


def _why(delivery: DeliveryModel) -> str:
    last = delivery.attempts[-1] if delivery.attempts else DeliveryAttempt(at=delivery.created_at)
    if last.status_code is not None:
        return f"its receiver answered {last.status_code}, and takes a message with 2xx"
    return last.error or "its receiver gave no answer"


def _row(delivery: DeliveryModel) -> dict[str, Any]:
    last = delivery.attempts[-1] if delivery.attempts else None
    return delivery.model_dump(mode="json") | {
        "attempt_count": len(delivery.attempts),
        "last_answer": last and (last.status_code or last.error),
    }
