"""Commands that look into what a definition found: a group, its documents, a search, the map."""

import sys
import webbrowser
from io import BytesIO
from pathlib import Path
from shlex import quote

import click
import polars as pl

from clustering_pipeline.cli.session import open_session
from clustering_pipeline.cli.terminal.output import cell, counted, emit, emit_one, note
from clustering_pipeline.cli.terminal.output import output_options as outputs
from clustering_pipeline.model.executions.group_details import GroupDetails

_DOCUMENTS = ("document_id", "cluster_label", "probability", "text")
_FOUND = ("cluster_id", "label", "member_count", "score")
_PLACED = ("text", "cluster_id", "label", "probability", "nearest_cluster_id", "cosine")
_SHOWN = 20
_TEXT = 160  # characters of a text on a line

run_option = click.option("--run", "run_id", help="Another run of it than the published one.")


@click.command()
@click.argument("cluster")
@click.argument("group", required=False)
@run_option
@outputs
@click.pass_context
def show(
    context: click.Context, output: str, cluster: str, group: str | None, run_id: str | None
) -> None:
    """Show the groups; or one GROUP, by id, uid or label: its texts, neighbours and history."""
    if group is None:
        from clustering_pipeline.cli.clusters.commands import groups  # noqa: PLC0415 - its room

        context.invoke(groups, cluster=cluster, run_id=run_id, output=output)
        return
    from clustering_pipeline.service.results.group import group_details  # noqa: PLC0415 - heavy

    with open_session() as session:
        details = group_details(session.pipeline, session.scope, cluster, group, run_id=run_id)
    if output != "table":
        emit_one(details.model_dump(mode="json"), output=output)
        return
    _show_group(details)
    note(
        f"next: clustering-pipeline clusters members {quote(cluster)} --group {details.cluster_id}"
    )


def _show_group(details: GroupDetails) -> None:
    facts = details.model_dump(
        mode="json",
        include={
            *("cluster_id", "group_uid", "run_id", "label", "label_source", "summary"),
            *("keywords", "cohesion", "separation", "parent_cluster_id", "children"),
        },
    )
    size = f"{counted(details.member_count, 'document')} ({details.share:.1%})"
    emit_one(facts | {"size": size}, output="table")
    _section("Texts that stand for it")
    for document in details.representatives:
        click.echo(f"  {document.document_id}  {_short(document.text or '')}")
    if details.fields:
        _section("Fields that stand out")
        for field in details.fields:
            shares = f"{field.share:.0%} here, {field.share_elsewhere:.0%} elsewhere"
            click.echo(f"  {field.field} = {cell(field.value)}: {shares}")
    if details.neighbors:
        _section("Nearest groups")
        near = [neighbor.model_dump() for neighbor in details.neighbors]
        emit(near, columns=("cluster_id", "label", "member_count", "cosine"), output="table")
    if details.history:
        _section("History")
        for run in details.history:
            for event in run.events:
                size = "" if event.num_members is None else f" {event.num_members} documents"
                click.echo(f"  {run.created_at:%Y-%m-%d %H:%M} {event.event}{size} ({run.run_id})")


def _section(title: str) -> None:
    click.echo(f"\n{title}")


@click.command()
@click.argument("cluster")
@click.option("--group", help="One group, by id, uid or label; cl_cluster_noise for noise.")
@click.option("--field", "fields", multiple=True, help="Payload fields to show; all unless named.")
@click.option("--limit", type=click.IntRange(min=1), help="So many documents; a table shows 20.")
@run_option
@click.option("--file", "-f", type=click.Path(path_type=Path, dir_okay=False), help="Write here.")
@click.option("--json", "output", flag_value="json", help="The same as --output json.")
@click.option(
    "--output",
    "output",
    type=click.Choice(("table", "json", "csv", "parquet")),
    help="table on a screen; by the ending of --file.",
)
def members(
    output: str | None,
    cluster: str,
    group: str | None,
    *,
    fields: tuple[str, ...],
    limit: int | None,
    run_id: str | None,
    file: Path | None,
) -> None:
    """Show the documents of a run, or of a group, with the fields of their payloads."""
    from clustering_pipeline.service.results.members import members_table  # noqa: PLC0415 - heavy

    form = output or _form(file)
    if form == "parquet" and file is None and sys.stdout.isatty():
        message = "parquet is not for a screen: name a --file"
        raise click.UsageError(message)
    with open_session() as session:
        table = members_table(
            session.pipeline,
            session.scope,
            cluster,
            group=group,
            fields=list(fields) or None,
            run_id=run_id,
        )
    total = table.height
    table = table.head(limit or (_SHOWN if form == "table" else total))
    if form == "table":
        columns = (*_DOCUMENTS[: 3 if fields else 4], *fields)
        rows = [{name: _short(row[name]) for name in columns} for row in table.to_dicts()]
        emit(rows, columns=columns, output="table", empty="no documents", total=total)
        return
    _write(table, form, file)
    if file is not None:
        note(f"{counted(table.height, 'document')} in {file}")


def _form(file: Path | None) -> str:
    if file is None:
        return "table"
    form = file.suffix.removeprefix(".").lower()
    if form not in {"csv", "json", "parquet"}:
        message = f"{str(file)!r} ends in none of .csv, .json and .parquet: say --output"
        raise click.UsageError(message)
    return form


def _short(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = " ".join(value.split())
    return text if len(text) <= _TEXT else f"{text[:_TEXT]}…"


def _write(table: pl.DataFrame, form: str, file: Path | None) -> None:
    if form == "json":
        content = f"{table.write_json()}\n".encode()
    else:
        sink = BytesIO()
        table.write_csv(sink) if form == "csv" else table.write_parquet(sink)
        content = sink.getvalue()
    if file is None:
        sys.stdout.buffer.write(content)
    else:
        file.write_bytes(content)


@click.command()
@click.argument("cluster")
@click.argument("query")
@click.option("--limit", type=click.IntRange(min=1, max=100), default=10, show_default=True)
@outputs
def find(output: str, cluster: str, query: str, limit: int) -> None:
    """Find the groups that a QUERY means, best first, and documents that fit it."""
    from clustering_pipeline.service.results.search import find_groups  # noqa: PLC0415 - heavy

    with open_session() as session:
        answer = find_groups(session.pipeline, session.scope, cluster, query, limit=limit)
    if output == "json":
        emit_one(answer.model_dump(mode="json"), output=output)
        return
    rows = [group.model_dump() for group in answer.results]
    emit(rows, columns=_FOUND, output=output, empty=f"no group has a word of {query!r}")
    if output == "table" and answer.documents:
        _section("Documents")
        for document in answer.documents:
            click.echo(f"  {document.document_id} ({document.cluster_id})  {_short(document.text)}")


@click.command("assign-text")
@click.argument("cluster")
@click.argument("texts", nargs=-1, required=True)
@click.option("--threshold", type=float, default=0.5, show_default=True, help="Least cosine.")
@outputs
def assign_text(output: str, cluster: str, texts: tuple[str, ...], threshold: float) -> None:
    """Tell which group each of TEXTS would join; nothing is stored."""
    from clustering_pipeline.service.results.place_texts import place_texts  # noqa: PLC0415 - heavy

    with open_session() as session:
        answer = place_texts(session.pipeline, session.scope, cluster, texts, threshold=threshold)
    emit([row.model_dump() for row in answer.results], columns=_PLACED, output=output)


@click.command("map")
@click.argument("cluster")
@run_option
@click.option("--file", "-f", type=click.Path(path_type=Path, dir_okay=False), help="Write here.")
@click.option("--open", "opens", is_flag=True, help="Show it in the browser.")
def map_(cluster: str, run_id: str | None, file: Path | None, *, opens: bool) -> None:
    """Write the map as a page of its own, which needs no network."""
    from clustering_pipeline.service.results.documents import map_page  # noqa: PLC0415 - heavy

    with open_session() as session:
        record, page = map_page(session.pipeline, session.scope, cluster, run_id)
    path = file or Path(f"{_file_name(record.name)}-map.html")
    path.write_bytes(page)
    click.echo(str(path.absolute()))
    if opens and not webbrowser.open(path.absolute().as_uri()):
        note("no browser is here: open the file yourself")


def _file_name(name: str) -> str:
    plain = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in name)
    return plain.strip("-")[:80] or "cluster"
