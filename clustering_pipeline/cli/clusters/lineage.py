"""What became of groups: over the runs of a definition, and between two of them."""

import click

from clustering_pipeline.cli.session import open_session
from clustering_pipeline.cli.terminal.output import counted, emit, emit_one, note, output_options

EVENTS = ("event", "cluster_id", "label", "previous_cluster_id", "num_members", "overlaps")


@click.command("lineage")
@click.argument("cluster")
@click.option("--group", help="One group, by uid or as cl_3.")
@click.option("--all", "everything", is_flag=True, help="Also groups that only continued.")
@output_options
def lineage(output: str, cluster: str, group: str | None, *, everything: bool) -> None:
    """Show what became of the groups of a definition, newest run first."""
    from clustering_pipeline.service.results.lineage import cluster_lineage  # noqa: PLC0415

    with open_session() as session:
        history = cluster_lineage(session.pipeline.catalog, session.scope, cluster, group=group)
    if output == "json":
        emit_one(history.model_dump(mode="json"), output=output)
        return
    events = [
        {"run_id": run.run_id} | event.model_dump(mode="json")
        for run in history.runs
        for event in run.events
        if everything or group is not None or event.event != "continued"
    ]
    emit(events, columns=("run_id", *EVENTS), output=output)
    note(f"{counted(len(events), 'event')} in {counted(len(history.runs), 'run')}")


@click.command("diff")
@click.argument("run_id")
@click.option("--against", required=True, help="The run to compare it with.")
@output_options
def diff(output: str, run_id: str, against: str) -> None:
    """Show what became of the groups and documents of another run in this one."""
    from clustering_pipeline.service.results.lineage import run_diff  # noqa: PLC0415

    with open_session() as session:
        difference = run_diff(session.pipeline, session.scope, run_id, against)
    if output == "json":
        emit_one(difference.model_dump(mode="json"), output=output)
        return
    emit(
        [event.model_dump(mode="json") for event in difference.events],
        columns=EVENTS,
        output=output,
    )
    fields = difference.model_dump(
        include={name for name in type(difference).model_fields if "documents" in name}
    )
    note(", ".join(f"{count} {name.removeprefix('documents_')}" for name, count in fields.items()))
