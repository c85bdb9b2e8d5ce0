"""Commands that tell how the groups change: over time, and between segments of the documents."""

from typing import Any, get_args

import click

from clustering_pipeline.cli.clusters.results import run_option
from clustering_pipeline.cli.session import open_session
from clustering_pipeline.cli.terminal.output import counted, emit, emit_one, note, output_options
from clustering_pipeline.model.executions.analysis import (
    ComparisonResponse,
    NumbersResponse,
    TimelineResponse,
)
from clustering_pipeline.model.periods import Every

_NUMBERS = ("label", "documents", "mean", "low", "high", "median", "total")
_LAST = 12  # periods that fit on a screen


@click.command()
@click.argument("cluster")
@click.option("--by", metavar="FIELD", help="A date of the documents; without it run by run.")
@click.option("--every", type=click.Choice(get_args(Every)), default="month", show_default=True)
@click.option("--zone", default="UTC", show_default=True, help="Whose days: Europe/Berlin.")
@click.option("--shares", is_flag=True, help="Shares of each period in place of counts.")
@run_option
@output_options
def timeline(
    output: str,
    cluster: str,
    by: str | None,
    run_id: str | None,
    *,
    every: Every,
    zone: str,
    shares: bool,
) -> None:
    """Show how large each group was: by a date of its documents, or from run to run."""
    from clustering_pipeline.service.results import timeline as service  # noqa: PLC0415 - heavy

    if by is None and run_id is not None:
        message = "--run goes with --by: without it all runs are shown"
        raise click.UsageError(message)
    with open_session() as session:
        given = session.pipeline, session.scope, cluster
        answer = (
            service.timeline_of_runs(*given)
            if by is None
            else service.timeline(*given, by, every=every, zone=zone, run_id=run_id)
        )
    if output == "json":
        emit_one(answer.model_dump(mode="json"), output=output)
        return
    # A file holds all periods; a screen shows the last ones.
    first = 0 if output == "csv" else max(0, len(answer.periods) - _LAST)
    _emit_timeline(answer, output, first=first, shares=shares)


def _emit_timeline(answer: TimelineResponse, output: str, *, first: int, shares: bool) -> None:
    periods = answer.periods[first:]
    rows: list[dict[str, Any]] = [
        {"label": group.label, "group_uid": group.group_uid}
        | dict(zip(periods, (group.shares if shares else group.counts)[first:], strict=True))
        for group in answer.groups
    ]
    columns = ("group_uid", "label", *periods) if output == "csv" else ("label", *periods)
    emit(rows, columns=columns, output=output)
    if first:
        note(f"the last {len(periods)} of {len(answer.periods)} periods: all with --output csv")
    if answer.without_date:
        note(f"{counted(answer.without_date, 'document')} without {answer.by}")
    if answer.unreadable:
        example = answer.unreadable_examples[0]
        note(f"{counted(answer.unreadable, 'document')} with no date there, as {example!r}")


@click.command()
@click.argument("cluster")
@click.option("--field", required=True, help="The payload field that makes the segments.")
@click.option("--values", help="Its values to compare, a,b; the ten most frequent unless said.")
@click.option("--numbers", is_flag=True, help="Take it for a number: its mean in each group.")
@run_option
@output_options
def compare(
    output: str, cluster: str, field: str, values: str | None, run_id: str | None, *, numbers: bool
) -> None:
    """Show the share of each group in segments of the documents, with 95 % intervals."""
    from clustering_pipeline.service.results.segments import comparison, numbers_by_group  # noqa: PLC0415 - heavy

    if numbers and values is not None:
        message = "--numbers and --values: one of them"
        raise click.UsageError(message)
    with open_session() as session:
        given = session.pipeline, session.scope, cluster, field
        answer: NumbersResponse | ComparisonResponse = (
            numbers_by_group(*given, run_id=run_id)
            if numbers
            else comparison(
                *given, values=(values or "").split(",") if values else (), run_id=run_id
            )
        )
    if output == "json":
        emit_one(answer.model_dump(mode="json"), output=output)
    elif isinstance(answer, NumbersResponse):
        emit([group.model_dump() for group in answer.groups], columns=_NUMBERS, output=output)
        if answer.without_number:
            note(f"{counted(answer.without_number, 'document')} without a number there")
    else:
        _emit_comparison(answer, output)


def _emit_comparison(answer: ComparisonResponse, output: str) -> None:
    rows: list[dict[str, Any]] = []
    for group in answer.groups:
        row: dict[str, Any] = {"label": group.label, "group_uid": group.group_uid}
        for value, cell in zip(answer.values, group.segments, strict=True):
            mark = " *" if cell.differs else ""
            row |= {value: f"{cell.share:.1%} ({cell.low:.1%}-{cell.high:.1%}){mark}"}
        rows.append(row)
    columns = ("group_uid", "label") if output == "csv" else ("label",)
    emit(rows, columns=(*columns, *answer.values), output=output)
    sizes = ", ".join(
        f"{value} {total}" for value, total in zip(answer.values, answer.totals, strict=True)
    )
    note(f"documents: {sizes}; share (95 % interval), * differs from all other segments together")
    if answer.other_values or answer.without_value:
        note(f"{answer.other_values} documents of other values, {answer.without_value} of none")
