"""Register and load documents."""

from functools import partial
from pathlib import Path

import click

from clustering_pipeline.cli.archiving import arrange
from clustering_pipeline.cli.output import emit, emit_one, note, output_options
from clustering_pipeline.cli.progress import live_bar
from clustering_pipeline.cli.session import Session, open_session
from clustering_pipeline.model.collection import RegisterCollectionRequest
from clustering_pipeline.model.errors import CollectionNotFound
from clustering_pipeline.model.validation import validate
from clustering_pipeline.orchestration.loading import Load, load
from clustering_pipeline.orchestration.registering import register_existing

LISTED = ("collection_id", "collection_name", "qdrant_collection", "points", "vectors")


@click.group("collections")
def command() -> None:
    """Register and load documents."""


command.add_command(arrange)


@command.command()
@click.argument("name")
@click.option("--qdrant-collection", help="The Qdrant collection; by default of the same name.")
@click.option(
    "--vector", "vectors", multiple=True, metavar="URI=NAME", help="Feature URI to vector."
)
@click.option("--description")
@output_options
def register(
    output: str,
    name: str,
    qdrant_collection: str | None,
    vectors: tuple[str, ...],
    description: str | None,
) -> None:
    """Make an existing Qdrant collection known, as it is."""
    request = validate(
        RegisterCollectionRequest,
        {
            "collection_name": name,
            "qdrant_collection": qdrant_collection,
            "description": description,
            "vectors": dict(map(_mapping, vectors)),
        },
    )
    with open_session() as session:
        record = register_existing(session.pipeline, session.scope, request)
    emit_one(record.model_dump(mode="json"), output=output)


@command.command("load")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", help="The collection; by default the file's name.")
@click.option("--vector-column", default="embedding", show_default=True)
@click.option("--id-column", default="document_id", show_default=True)
@output_options
def load_(output: str, file: Path, name: str | None, vector_column: str, id_column: str) -> None:
    """Load a parquet or JSONL file of documents with vectors."""
    request = Load(
        file=file,
        collection_name=name or file.stem,
        vector_column=vector_column,
        id_column=id_column,
    )
    with open_session() as session:
        with live_bar() as show:
            record = load(session.pipeline, session.scope, request, partial(show, "loading"))
        points = session.pipeline.documents.count(record.qdrant_collection, None)
    emit_one(record.model_dump(mode="json") | {"points": points}, output=output)
    note(f"next: clustering-pipeline clusters create --collection {record.collection_name} …")


@command.command("list")
@output_options
def list_(output: str) -> None:
    """Show the registered collections."""
    with open_session() as session:
        records = session.pipeline.catalog.collections.list(session.scope)
        rows = [
            one.model_dump(mode="json") | {"points": _points(session, one.qdrant_collection)}
            for one in records
        ]
    emit(rows, columns=LISTED, output=output)


def _points(session: Session, qdrant_collection: str) -> int | None:
    """None when Qdrant has lost the collection: the others are to be seen all the same."""
    try:
        return session.pipeline.documents.points(qdrant_collection)
    except CollectionNotFound:
        return None


@command.command()
@click.argument("collection")
@click.confirmation_option("--yes", prompt="Forget the collection? Its documents stay in Qdrant.")
def delete(collection: str) -> None:
    """Forget a collection; the Qdrant collection behind it stays."""
    with open_session() as session:
        record = session.pipeline.catalog.collections.delete(session.scope, collection)
    note(f"forgot {record.collection_id}; Qdrant keeps {record.qdrant_collection!r}")


def _mapping(text: str) -> tuple[str, str]:
    uri, equals, name = text.partition("=")
    if not equals:
        message = f"--vector takes URI=NAME, not {text!r}"
        raise click.UsageError(message)
    return uri, name
