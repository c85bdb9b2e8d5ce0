"""Run definitions by the clock, after events, or when their groups no longer fit."""

import json
from typing import Any

import click

from clustering_pipeline.cli.output import emit, emit_one, note, output_options
from clustering_pipeline.cli.session import open_session
from clustering_pipeline.model.schedules import KINDS
from clustering_pipeline.model.triggers import (
    CreateTriggerRequest,
    ListTriggersRequest,
    TriggerHistoryRequest,
)
from clustering_pipeline.model.validation import validate

LISTED = ("trigger_id", "cluster_id", "trigger_type", "status", "next_scheduled_at")
HISTORY = ("job_id", "triggered_at", "status", "num_clusters", "num_documents", "error")


@click.group("triggers")
def command() -> None:
    """Run definitions by the clock, after events or on conditions."""


@command.command()
@click.argument("cluster")
@click.option("--cron", metavar="EXPRESSION", help="Minute, hour, day, month, weekday.")
@click.option("--timezone", default="UTC", show_default=True, help="Whose clocks --cron means.")
@click.option("--every", type=int, metavar="SECONDS", help="An interval, of 300 at least.")
@click.option("--type", "kind", type=click.Choice(list(KINDS)), help="With --config.")
@click.option("--config", help="The settings of that type, as JSON.")
@click.option("--jitter", type=int, default=0, help="Put off by up to so many seconds.")
@click.option("--description")
@output_options
def create(output: str, cluster: str, description: str | None, **flags: Any) -> None:
    """Make a trigger of a definition."""
    kind, schedule = _schedule(**flags)
    request = {
        "cluster_id": cluster,
        "trigger_type": kind,
        "schedule_config": schedule,
        "description": description,
    }
    wanted = validate(CreateTriggerRequest, request)
    with open_session() as session:
        record = session.pipeline.catalog.triggers.create(session.scope, wanted)
    emit_one(record.model().model_dump(mode="json"), output=output)


@command.command("list")
@click.option("--cluster", help="Those of one definition.")
@click.option("--limit", type=int, default=50, show_default=True)
@output_options
def list_(output: str, cluster: str | None, limit: int) -> None:
    """Show the triggers, newest first."""
    request = validate(ListTriggersRequest, {"cluster_id": cluster, "limit": limit})
    with open_session() as session:
        page = session.pipeline.catalog.triggers.list(session.scope, request)
    emit([one.model_dump(mode="json") for one in page.results], columns=LISTED, output=output)
    note(f"{len(page.results)} of {page.total}")


@command.command()
@click.argument("trigger")
@output_options
def get(output: str, trigger: str) -> None:
    """Show one trigger."""
    with open_session() as session:
        record = session.pipeline.catalog.triggers.get(session.scope, trigger)
    emit_one(record.model().model_dump(mode="json"), output=output)


@command.command()
@click.argument("trigger")
@output_options
def pause(output: str, trigger: str) -> None:
    """Keep a trigger from firing."""
    with open_session() as session:
        record = session.pipeline.catalog.triggers.pause(session.scope, trigger)
    emit_one(record.model().model_dump(mode="json"), output=output)


@command.command()
@click.argument("trigger")
@output_options
def resume(output: str, trigger: str) -> None:
    """Let a trigger fire again, after failures too."""
    with open_session() as session:
        record = session.pipeline.catalog.triggers.resume(session.scope, trigger)
    emit_one(record.model().model_dump(mode="json"), output=output)


@command.command()
@click.argument("trigger")
@click.confirmation_option("--yes", prompt="Delete the trigger? What it started stays.")
def delete(trigger: str) -> None:
    """Delete a trigger; what it started stays."""
    with open_session() as session:
        record = session.pipeline.catalog.triggers.delete(session.scope, trigger)
    note(f"deleted {record.trigger_id}")


@command.command()
@click.argument("trigger")
@click.option("--limit", type=int, default=50, show_default=True)
@output_options
def history(output: str, trigger: str, limit: int) -> None:
    """Show what a trigger started, newest first."""
    request = validate(TriggerHistoryRequest, {"limit": limit})
    with open_session() as session:
        page = session.pipeline.catalog.triggers.history(session.scope, trigger, request)
    emit([one.model_dump(mode="json") for one in page.executions], columns=HISTORY, output=output)
    note(f"{len(page.executions)} of {page.total}")


def _schedule(
    *,
    cron: str | None,
    timezone: str,
    every: int | None,
    kind: str | None,
    config: str | None,
    jitter: int,
) -> tuple[str, dict[str, Any]]:
    if sum(one is not None for one in (cron, every, kind)) != 1:
        message = "choose one of --cron, --every, and --type with --config"
        raise click.UsageError(message)
    if cron is not None:
        return "cron", {"cron_expression": cron, "timezone": timezone, "jitter_seconds": jitter}
    if every is not None:
        return "interval", {"interval_seconds": every, "jitter_seconds": jitter}
    try:
        return str(kind), json.loads(config or "{}")
    except ValueError as error:
        message = f"--config is not JSON: {error}"
        raise click.UsageError(message) from error
