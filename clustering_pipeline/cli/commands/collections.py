"""Register and load documents."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from shlex import quote

import click

from clustering_pipeline.cli.clusters.archive import arrange
from clustering_pipeline.cli.commands.tenants import organization_option
from clustering_pipeline.cli.session import open_session
from clustering_pipeline.cli.terminal.confirmation import confirmation_option
from clustering_pipeline.cli.terminal.output import emit, live_bar, note, output_options
from clustering_pipeline.cli.terminal.records import describe, show_collection
from clustering_pipeline.cli.terminal.summaries import collection_summary
from clustering_pipeline.model.collections.collection import (
    CollectionRecord,
    RegisterCollectionRequest,
)
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.service.collections.load import Load, load
from clustering_pipeline.service.collections.register import register_existing
from clustering_pipeline.stores.catalog.tenants import DEFAULT_NAME
from clustering_pipeline.stores.documents.types import Vector

NONE = "no collections yet: clustering-pipeline collections load FILE"
REDUCED = 10
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
@organization_option
@click.option("--namespace", default=DEFAULT_NAME, show_default=True, help="Its id or name.")
@output_options
def register(
    output: str,
    name: str,
    qdrant_collection: str | None,
    vectors: tuple[str, ...],
    description: str | None,
    *,
    organization: str,
    namespace: str,
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
        catalog = session.pipeline.catalog
        owner = catalog.organizations.get(organization).organization_id
        scope = catalog.namespaces.get(owner, namespace).scope
        record = register_existing(session.pipeline, scope, request)
        show_collection(session, record, output)


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
        show_collection(session, record, output)
        vectors = session.pipeline.documents.describe(record.qdrant_collection).vectors
    note(f"next: clustering-pipeline clusters create {_fitting(record, vectors)}")


@command.command("list")
@output_options
def list_(output: str) -> None:
    """Show the registered collections."""
    with open_session() as session:
        records = session.pipeline.catalog.collections.list(session.scope)
        described = [(record, describe(session, record)) for record in records]
    if output == "json":
        rows = [
            record.model_dump(mode="json") | {"points": info and info.points}
            for record, info in described
        ]
    else:
        rows = [collection_summary(record, info) for record, info in described]
    emit(rows, columns=LISTED, output=output, empty=NONE)


@command.command()
@click.argument("collection")
@confirmation_option("Forget the collection? Its documents stay in Qdrant.")
def delete(collection: str) -> None:
    """Forget a collection; the Qdrant collection behind it stays."""
    with open_session() as session:
        record = session.pipeline.catalog.collections.delete(session.scope, collection)
    note(f"forgot {record.collection_id}; Qdrant keeps {record.qdrant_collection!r}")


def _fitting(record: CollectionRecord, vectors: Mapping[str, Vector]) -> str:
    """Options that make a definition of what was loaded."""
    name, vector = next(iter(vectors.items()))
    reduced = f" --umap {REDUCED}" if vector.size > REDUCED else ""
    uri = next(iter(record.vectors), f"mixpeek://text@v1/{name}")
    return f"--collection {quote(record.collection_name)} --feature-uri {quote(uri)}{reduced}"


def _mapping(text: str) -> tuple[str, str]:
    uri, equals, name = text.partition("=")
    if not equals:
        message = f"--vector takes URI=NAME, not {text!r}"
        raise click.UsageError(message)
    return uri, name
