"""Tell of documents that arrive together; a completed batch makes definitions run."""

from shlex import quote

import click

from clustering_pipeline.cli.session import open_session
from clustering_pipeline.cli.terminal.output import emit, emit_one, note, output_options
from clustering_pipeline.model.automation.batches import BatchRecord

LISTED = ("batch_id", "status", "created_at", "ended_at", "error")


@click.group("batches")
def command() -> None:
    """Tell of documents that arrive together."""


@command.command("open")
@click.argument("collections", nargs=-1, required=True)
@output_options
def open_(output: str, collections: tuple[str, ...]) -> None:
    """Open a batch of one or more collections, before its documents are written."""
    with open_session() as session:
        record = session.pipeline.catalog.batches.open(session.scope, collections)
    _show(record, output)
    note(f"when all are there: clustering-pipeline batches complete {record.batch_id}")


@command.command()
@click.argument("batch", required=False)
@click.option(
    "--collection", "collections", multiple=True, help="Its open batch; a new one if none is open."
)
@output_options
def complete(output: str, batch: str | None, collections: tuple[str, ...]) -> None:
    """Count a batch, once however often it is called; what listens to it becomes due."""
    if (batch is None) == (not collections):
        message = "name a batch, or a --collection whose documents are all there"
        raise click.UsageError(message)
    with open_session() as session:
        batches = session.pipeline.catalog.batches
        scope = session.scope
        record = (
            batches.complete(scope, batch) if batch else batches.complete_open(scope, collections)
        )
    _show(record, output)
    note("definitions with auto_execute_on_batch run soon, where clustering-pipeline up is running")


@command.command()
@click.argument("batch")
@click.option("--error", default="given up", show_default=True, help="Why.")
@output_options
def fail(output: str, batch: str, error: str) -> None:
    """End a batch without counting it."""
    with open_session() as session:
        record = session.pipeline.catalog.batches.fail(session.scope, batch, error)
    _show(record, output)


@command.command("list")
@click.argument("collection")
@output_options
def list_(output: str, collection: str) -> None:
    """Show the batches of a collection, newest first."""
    with open_session() as session:
        catalog = session.pipeline.catalog
        record = catalog.collections.get(session.scope, collection)
        batches = catalog.batches.list(session.scope, record.collection_id)
    rows = [batch.model_dump(mode="json") for batch in batches]
    none = f"no batches yet: clustering-pipeline batches open {quote(record.collection_name)}"
    emit(rows, columns=LISTED, output=output, empty=none)


def _show(record: BatchRecord, output: str) -> None:
    view = record.model_dump(mode="json")
    fields = ("batch_id", "status", "collection_ids", "completions", "error", "created_at")
    summary = {name: view[name] for name in fields}
    numbers = [
        f"number {completion.number} of {completion.collection_id}"
        for completion in record.completions
    ]
    emit_one(view, output=output, summary=summary | {"completions": numbers})
