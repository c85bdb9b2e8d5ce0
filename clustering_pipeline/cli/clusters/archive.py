"""Takes definitions out of service and back."""

import click

from clustering_pipeline.cli.session import open_session
from clustering_pipeline.cli.terminal.output import counted, note, output_options
from clustering_pipeline.cli.terminal.records import show_collection, show_definition
from clustering_pipeline.model.automation.triggers import ListTriggersRequest, TriggerStatus


@click.command()
@click.argument("cluster")
@output_options
def archive(output: str, cluster: str) -> None:
    """Take a definition out of service: it does not run, its results stay."""
    from clustering_pipeline.service.executions.cancel import archive_cluster  # noqa: PLC0415

    with open_session() as session:
        record = archive_cluster(session.pipeline, session.scope, cluster, session.launcher)
        # For their number alone.
        firing = ListTriggersRequest(
            cluster_id=record.cluster_id, status=TriggerStatus.ACTIVE, limit=1
        )
        triggers = session.pipeline.catalog.triggers.list(session.scope, firing)
        show_definition(session, record, output)
    note(f"clustering-pipeline clusters unarchive {record.cluster_id} takes it into service again")
    if triggers.total:
        note(f"until then {counted(triggers.total, 'active trigger')} of it will start nothing")


@click.command()
@click.argument("cluster")
@output_options
def unarchive(output: str, cluster: str) -> None:
    """Take an archived definition into service again."""
    with open_session() as session:
        record = session.pipeline.catalog.automation.unarchive(session.scope, cluster)
        show_definition(session, record, output)


@click.command()
@click.argument("collection")
@click.argument("cluster")
@click.option("--phase", type=click.IntRange(1, 3), help="Lower phases run first.")
@click.option("--priority", type=click.IntRange(0, 1000), help="In a phase, higher runs first.")
@output_options
def arrange(
    output: str, collection: str, cluster: str, phase: int | None, priority: int | None
) -> None:
    """Say when a definition runs among those that wait for a batch of the collection."""
    with open_session() as session:
        catalog = session.pipeline.catalog
        cluster_id = catalog.clusters.get(session.scope, cluster).cluster_id
        record = catalog.automation.arrange(
            session.scope, collection, cluster_id, phase=phase, priority=priority
        )
        show_collection(session, record, output)
