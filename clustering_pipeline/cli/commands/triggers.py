"""Run definitions by the clock, after events, or when their groups no longer fit."""

import json
from collections.abc import Callable
from typing import Any

import click

from clustering_pipeline.cli.session import open_session
from clustering_pipeline.cli.terminal.output import confirmation_option, emit, note, output_options
from clustering_pipeline.cli.terminal.records import show_trigger
from clustering_pipeline.model.automation.schedules import KINDS
from clustering_pipeline.model.automation.triggers import (
    MODES,
    CreateTriggerRequest,
    ListTriggersRequest,
    TriggerHistoryRequest,
    TriggerRecord,
)
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.stores.catalog.automation.triggers import Triggers

LISTED = ("trigger_id", "cluster_id", "trigger_type", "status", "next_scheduled_at")
NONE = "no triggers: clustering-pipeline triggers create makes one"
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
@click.option(
    "--mode", type=click.Choice(MODES), default="full", show_default=True, help="Of its runs."
)
@click.option("--description")
@output_options
def create(output: str, cluster: str, mode: str, description: str | None, **flags: Any) -> None:
    """Make a trigger of a definition."""
    kind, schedule = _schedule(**flags)
    request = {
        "cluster_id": cluster,
        "trigger_type": kind,
        "schedule_config": schedule,
        "description": description,
    }
    with open_session() as session:
        inputs = session.pipeline.catalog.clusters.get(session.scope, cluster).spec.collection_ids
        what = {"collection_ids": inputs, "config": {"mode": mode}}
        action = {"execution_config": what} if mode != "full" else {}
        validated = validate(CreateTriggerRequest, request | action)
        record = session.pipeline.catalog.triggers.create(session.scope, validated)
    show_trigger(record, output)
    note("Dagster's daemon fires it: clustering-pipeline up")


@command.command("list")
@click.option("--cluster", help="Those of one definition.")
@click.option("--limit", type=int, default=50, show_default=True)
@output_options
def list_(output: str, cluster: str | None, limit: int) -> None:
    """Show the triggers, newest first."""
    request = validate(ListTriggersRequest, {"cluster_id": cluster, "limit": limit})
    with open_session() as session:
        page = session.pipeline.catalog.triggers.list(session.scope, request)
    rows = [trigger.model_dump(mode="json") for trigger in page.results]
    emit(rows, columns=LISTED, output=output, empty=NONE, total=page.total)


def _on_one(
    verb: str, text: str, act: Callable[[Triggers, Scope, str], TriggerRecord]
) -> click.Command:
    """A command that does something to one trigger and shows it."""

    @click.command(verb, help=text)
    @click.argument("trigger")
    @output_options
    def run(output: str, trigger: str) -> None:
        with open_session() as session:
            record = act(session.pipeline.catalog.triggers, session.scope, trigger)
        show_trigger(record, output)

    return run


command.add_command(_on_one("get", "Show one trigger.", Triggers.get))
command.add_command(_on_one("pause", "Keep a trigger from firing.", Triggers.pause))
command.add_command(
    _on_one("resume", "Let a trigger fire again, after failures too.", Triggers.resume)
)


@command.command()
@click.argument("trigger")
@confirmation_option("Delete the trigger? What it started stays.")
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
    rows = [execution.model_dump(mode="json") for execution in page.executions]
    none = "it has started nothing yet"
    emit(rows, columns=HISTORY, output=output, empty=none, total=page.total)


def _schedule(
    *,
    cron: str | None,
    timezone: str,
    every: int | None,
    kind: str | None,
    config: str | None,
    jitter: int,
) -> tuple[str, dict[str, Any]]:
    if sum(option is not None for option in (cron, every, kind)) != 1:
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
