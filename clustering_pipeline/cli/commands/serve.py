import signal
from contextlib import suppress

import click

from clustering_pipeline.api.server import LOOPBACK, serving, short_pauses
from clustering_pipeline.cli.terminal.output import note
from clustering_pipeline.defs.instance.launcher import WorkerLauncher
from clustering_pipeline.local.connect import open_pipeline
from clustering_pipeline.logs import to_stderr
from clustering_pipeline.settings import Settings

PORT = click.IntRange(0, 65_535)


@click.command("serve")
@click.option("--host", default=LOOPBACK, show_default=True, help="The address to listen on.")
@click.option(
    "--port", type=PORT, default=8000, show_default=True, help="The port; 0 takes a free one."
)
def command(host: str, port: int) -> None:
    """Serve the HTTP API until Ctrl-C; its documentation is at /docs."""
    settings = Settings()
    launcher = WorkerLauncher(settings=settings)
    to_stderr()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with (
        open_pipeline(settings) as pipeline,
        serving(settings, pipeline, launcher, host=host, port=port) as server,
        short_pauses(),
    ):
        note(f"Qdrant  {pipeline.documents.address}")
        click.echo(f"API  {server.url}  (docs: {server.url}/docs)")
        note("Ctrl-C stops it; clustering-pipeline keys create makes a key.")
        with suppress(KeyboardInterrupt):
            server.thread.join()
        note("Stopping …")
    note("Stopped.")
