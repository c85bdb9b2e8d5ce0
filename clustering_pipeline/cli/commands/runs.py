"""List and read executions."""

from shlex import quote

import click

from clustering_pipeline.cli.clusters.published import diff, gc, verify
from clustering_pipeline.cli.session import open_session
from clustering_pipeline.cli.terminal.output import emit, emit_one, note, output_options
from clustering_pipeline.cli.terminal.summaries import Summary, execution_summary
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.listing import ListClusterExecutionsRequest

LISTED = ("run_id", "status", "num_clusters", "num_points", "created_at", "completed_at")


@click.group("runs")
def command() -> None:
    """List and read executions."""


for subcommand in (diff, verify, gc):
    command.add_command(subcommand)


@command.command("list")
@click.argument("cluster")
@click.option("--limit", type=int)
@output_options
def list_(output: str, cluster: str, limit: int | None) -> None:
    """Show the executions of a definition, newest first."""
    request = validate(ListClusterExecutionsRequest, {"limit": limit})
    with open_session() as session:
        record = session.pipeline.catalog.clusters.get(session.scope, cluster)
        page = session.pipeline.catalog.executions.list(session.scope, record.cluster_id, request)
    rows = [run.model_dump(mode="json") for run in page.results]
    none = f"no runs yet: clustering-pipeline clusters execute {quote(record.name)}"
    emit(rows, columns=LISTED, output=output, empty=none, total=page.total_count)


@command.command()
@click.argument("run_id")
@output_options
def get(output: str, run_id: str) -> None:
    """Show one execution, with its stages and artifacts."""
    with open_session() as session:
        record = session.pipeline.catalog.executions.get(session.scope, run_id)
    emit_one(record.model_dump(mode="json"), output=output, summary=_summary(record))


@command.command()
@click.argument("run_id")
def cancel(run_id: str) -> None:
    """Cancel an execution; what readers see stays as it was."""
    from clustering_pipeline.service.executions.cancel import cancel_execution  # noqa: PLC0415

    with open_session() as session:
        cancel_execution(session.pipeline.catalog, session.scope, run_id, session.launcher)
    note(f"cancelled {run_id}")


def _summary(record: ExecutionRecord) -> Summary:
    stages = [f"{stage.name} {stage.seconds:.1f} s" for stage in record.stages]
    return execution_summary(record) | {
        "cluster_id": record.cluster_id,
        "trigger": record.trigger_id or record.trigger,
        "created_at": record.created_at.isoformat(timespec="seconds"),
        "stages": stages,
        "parquet_path": record.parquet_path,
        "members_key": record.members_key,
        "files_removed_at": record.expired_at and record.expired_at.isoformat(timespec="seconds"),
    }
