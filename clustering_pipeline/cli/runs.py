"""List and read executions."""

from typing import Any

import click

from clustering_pipeline.cli.lineage import diff
from clustering_pipeline.cli.output import emit, emit_one, note, output_options
from clustering_pipeline.cli.published import gc, verify
from clustering_pipeline.cli.session import open_session
from clustering_pipeline.model.execution import ExecutionRecord
from clustering_pipeline.model.listing import ListClusterExecutionsRequest
from clustering_pipeline.model.validation import validate

LISTED = ("run_id", "status", "num_clusters", "num_points", "created_at", "completed_at")


@click.group("runs")
def command() -> None:
    """List and read executions."""


command.add_command(diff)
command.add_command(verify)
command.add_command(gc)


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
    emit([one.model_dump(mode="json") for one in page.results], columns=LISTED, output=output)
    note(f"{len(page.results)} of {page.total_count}")


@command.command()
@click.argument("run_id")
@output_options
def get(output: str, run_id: str) -> None:
    """Show one execution, with its stages and artifacts."""
    with open_session() as session:
        record = session.pipeline.catalog.executions.get(session.scope, run_id)
    emit_one(_shown(record, output), output=output)


@command.command()
@click.argument("run_id")
def cancel(run_id: str) -> None:
    """Cancel an execution; what readers see stays as it was."""
    from clustering_pipeline.orchestration.canceling import cancel_execution  # noqa: PLC0415

    with open_session() as session:
        cancel_execution(session.pipeline.catalog, session.scope, run_id, session.settings)
    note(f"cancelled {run_id}")


def _shown(record: ExecutionRecord, output: str) -> dict[str, Any]:
    """Everything as JSON; on a screen, what fits on lines."""
    long = set() if output == "json" else {"spec", "centroids", "manifest", "artifacts", "owner"}
    return record.model_dump(mode="json", exclude=long)
