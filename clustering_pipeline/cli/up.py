import signal

import click

from clustering_pipeline.cli.output import note
from clustering_pipeline.local.connect import open_pipeline
from clustering_pipeline.local.dagster_dev import running_dagster
from clustering_pipeline.settings import Settings


@click.command("up")
@click.option("--port", default=3000, show_default=True, help="The Dagster UI's port.")
def command(port: int) -> None:
    """Run the embedded stack, the Dagster UI and its daemon until Ctrl-C."""
    settings = Settings()
    # SIGTERM (a service manager, a closed terminal) ends everything as cleanly as Ctrl-C does, and
    # a shell that starts us in the background would have SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with open_pipeline(settings) as pipeline:
        note(f"MongoDB  {pipeline.catalog.address}")
        note(f"Qdrant   {pipeline.documents.address}")
        note(f"Results  {settings.artifacts_root}")
        note("Dagster  starting …")
        with running_dagster(settings, port=port) as dagster:
            click.echo(f"Dagster  {dagster.url}")
            note("Ctrl-C stops everything.")
            try:
                dagster.wait()
            except KeyboardInterrupt:
                note("Stopping …")
    note("Stopped.")
