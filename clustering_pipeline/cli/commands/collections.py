"""Register and load documents."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from shlex import quote
from typing import Any

import click

from clustering_pipeline.cli.clusters.archive import arrange
from clustering_pipeline.cli.commands.tenants import organization_option
from clustering_pipeline.cli.session import Session, open_session
from clustering_pipeline.cli.terminal.output import (
    confirmation_option,
    emit,
    live_bar,
    note,
    output_options,
)
from clustering_pipeline.cli.terminal.records import describe, show_collection
from clustering_pipeline.cli.terminal.summaries import collection_summary
from clustering_pipeline.model.collections import (
    DOCUMENT_ID,
    CollectionRecord,
    EmbedConfig,
    RegisterCollectionRequest,
)
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.service.collections.files.first_look import NO_VECTORS
from clustering_pipeline.service.collections.files.opening import name_of
from clustering_pipeline.service.collections.files.stated_types import TYPES
from clustering_pipeline.service.collections.load import Load, known_collection, load
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
            "vectors": dict(_pair("--vector", "URI=NAME", text) for text in vectors),
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
@click.option(
    "--vector-column",
    "vector_columns",
    multiple=True,
    help="A column of vectors, or a path like data.0.embedding; may be repeated. [embedding]",
)
@click.option("--text", metavar="COLUMN", help="Make vectors of the texts of a column.")
@click.option(
    "--embed",
    metavar="PROVIDER:MODEL",
    help="By what: openai:…, sentence-transformers:…, fastembed:…; as before unless said.",
)
@click.option("--re-embed", is_flag=True, help="Make all vectors of the collection anew by that.")
@click.option("--id-column", default=DOCUMENT_ID, show_default=True)
@click.option(
    "--id-from",
    metavar="COLUMN",
    help="Make ids of what a column holds, or of the whole row: content.",
)
@click.option(
    "--types",
    multiple=True,
    metavar="COLUMN=TYPE,…",
    help=f"What texts of a column are: {', '.join(TYPES)}.  In CSV and TSV all is text.",
)
@click.option(
    "--rename", multiple=True, metavar="OLD=NEW", help="Store a column under another name."
)
@click.option("--shard-key", help="Of a collection with shard keys of its own: where to write.")
@click.option(
    "--keep-without-vector",
    is_flag=True,
    help="Load a document with NaN or infinity in its vector without it.",
)
@output_options
def load_(
    output: str,
    file: Path,
    name: str | None,
    types: tuple[str, ...],
    rename: tuple[str, ...],
    *,
    text: str | None,
    embed: str | None,
    vector_columns: tuple[str, ...],
    **columns: Any,
) -> None:
    """Load documents with vectors, or with texts that become vectors.

    FILE is parquet, JSON Lines, JSON, CSV, TSV, Arrow or Excel; the text kinds also with .gz or
    .zst.  A folder is all of these in it and below, without what begins with . or _; folders like
    year=2026 are columns.  Nothing is written before all of it was looked at.
    """
    request = Load(
        file=file,
        collection_name=name or (file.resolve().name if file.is_dir() else name_of(file)),
        types=_types(types),
        rename=dict(_pair("--rename", "OLD=NEW", option) for option in rename),
        text_column=text,
        vector_columns=vector_columns or (() if text else ("embedding",)),
        **columns,
    )
    if embed and not text:
        message = "--embed goes with --text: name the column that holds the texts"
        raise click.UsageError(message)
    with open_session() as session:
        if text:
            request = replace(request, embed=_embedding(session, request, text, embed))
        what = "embedding" if text else "loading"
        with live_bar() as show:
            record = load(session.pipeline, session.scope, request, partial(show, what))
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


def _embedding(session: Session, request: Load, column: str, given: str | None) -> EmbedConfig:
    """By which model the column's texts become vectors: the one given, else the collection's."""
    field = request.rename.get(column, column)
    if given is not None:
        provider, model = _pair("--embed", "PROVIDER:MODEL", given, ":")
        return validate(EmbedConfig, {"field": field, "provider": provider, "model": model})
    own = known_collection(session.pipeline, session.scope, request.collection_name)
    if own is None or own.embed is None:
        message = f"texts of {column!r} need a model: name one by --embed. {NO_VECTORS}"
        raise click.UsageError(message)
    return own.embed.model_copy(update={"field": field})


def _fitting(record: CollectionRecord, vectors: Mapping[str, Vector]) -> str:
    """Options that make a definition of what was loaded."""
    name, vector = next(iter(vectors.items()))
    reduced = f" --umap {REDUCED}" if vector.size > REDUCED else ""
    uri = next(iter(record.vectors), f"mixpeek://text@v1/{name}")
    return f"--collection {quote(record.collection_name)} --feature-uri {quote(uri)}{reduced}"


def _pair(option: str, form: str, text: str, sign: str = "=") -> tuple[str, str]:
    left, equals, right = text.partition(sign)
    if not equals:
        message = f"{option} takes {form}, not {text!r}"
        raise click.UsageError(message)
    return left, right


def _types(options: tuple[str, ...]) -> dict[str, str]:
    types = {}
    for text in ",".join(options).split(",") if options else ():
        column, kind = _pair("--types", "COLUMN=TYPE", text.strip())
        if kind not in TYPES:
            message = f"--types knows {', '.join(TYPES)}, not {kind!r}"
            raise click.UsageError(message)
        types[column] = kind
    return types
