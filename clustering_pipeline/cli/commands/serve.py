"""Runs the servers until Ctrl-C: the API alone, or everything."""

import signal
from collections.abc import Generator
from contextlib import contextmanager, suppress

import click

from clustering_pipeline.api.server import LOOPBACK, serving, short_pauses
from clustering_pipeline.cli.terminal.output import note
from clustering_pipeline.defs.instance.queue_launcher import QueueLauncher
from clustering_pipeline.local.connect import open_pipeline
from clustering_pipeline.local.dagster_dev import running_dagster
from clustering_pipeline.logs import to_stderr
from clustering_pipeline.model.errors import StoreUnavailable
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.model.tenants import Access
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.service.executions.recovery import recover_all
from clustering_pipeline.settings import Settings

PORT = click.IntRange(0, 65_535)


@click.command("serve")
@click.option("--host", default=LOOPBACK, show_default=True, help="The address to listen on.")
@click.option(
    "--port", type=PORT, default=8000, show_default=True, help="The port; 0 takes a free one."
)
def serve(host: str, port: int) -> None:
    """Serve the HTTP API until Ctrl-C; its documentation is at /docs."""
    settings = Settings()
    to_stderr()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with (
        open_pipeline(settings) as pipeline,
        serving(settings, pipeline, _checked(settings, pipeline), host=host, port=port) as server,
        short_pauses(),
    ):
        note(f"Qdrant  {pipeline.documents.address}")
        click.echo(f"API  {server.url}  (docs: {server.url}/docs)")
        note("Ctrl-C stops it; clustering-pipeline keys create makes a key.")
        with suppress(KeyboardInterrupt):
            server.thread.join()
        note("Stopping …")
    note("Stopped.")


@click.command("up")
@click.option("--port", type=PORT, default=3000, show_default=True, help="The Dagster UI's port.")
@click.option("--api-port", type=PORT, default=8000, show_default=True, help="The HTTP API's port.")
def up(port: int, api_port: int) -> None:
    """Run the embedded stack, the HTTP API, the Dagster UI and its daemon until Ctrl-C."""
    settings = Settings()
    to_stderr()
    # SIGTERM (a service manager, a closed terminal) ends everything as cleanly as Ctrl-C does, and
    # a shell that starts us in the background would have SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with open_pipeline(settings) as pipeline:
        launcher = _checked(settings, pipeline)
        note(f"MongoDB  {pipeline.catalog.address}")
        note(f"Qdrant   {pipeline.documents.address}")
        note(f"Results  {settings.artifacts_root}")
        _recover(pipeline)
        with (
            serving(settings, pipeline, launcher, port=api_port) as api,
            _development_key(pipeline) as key,
        ):
            click.echo(f"API      {api.url}  (docs: {api.url}/docs)")
            click.echo(f"Key      {key}  (namespace: default; good until we stop)")
            note("Dagster  starting …")
            with running_dagster(settings, port=port) as dagster, short_pauses():
                click.echo(f"Dagster  {dagster.url}")
                note("Ctrl-C stops everything.")
                try:
                    dagster.wait()
                except KeyboardInterrupt:
                    note("Stopping …")
    note("Stopped.")


def _checked(settings: Settings, pipeline: Pipeline) -> QueueLauncher:
    launcher = QueueLauncher(settings=settings, pipeline=pipeline)
    launcher.check()
    return launcher


def _recover(pipeline: Pipeline) -> None:
    """What runs left unfinished that died with the machine."""
    names = pipeline.catalog.clusters
    for cluster_id, problem in recover_all(pipeline).items():
        name = names.by_id(cluster_id).name
        note(f"Finished what was left of {name!r}" if problem is None else f"{name!r}: {problem}")


@contextmanager
def _development_key(pipeline: Pipeline) -> Generator[str]:
    keys = pipeline.catalog.keys
    made = keys.create(LOCAL.organization_id, access=Access.WRITE, name="development")
    try:
        yield made.secret
    finally:
        with suppress(StoreUnavailable):
            keys.revoke(made.record.key_id)
