"""Records in, a table, JSON or CSV out; results on stdout, everything else, how far something long
is, and the question before something is lost, on stderr.
"""

import json
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TextIO

import click
import polars as pl

Record = Mapping[str, Any]
FORMATS = ("table", "json", "csv")
LINE_SECONDS = 5.0


def output_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds ``--output`` and its shorthand ``--json``."""
    command = click.option(
        "--json", "output", flag_value="json", help="The same as --output json."
    )(command)
    return click.option(
        "--output", "output", type=click.Choice(FORMATS), default="table", show_default=True
    )(command)


def emit(
    records: Sequence[Record],
    *,
    columns: Sequence[str],
    output: str,
    empty: str = "none",
    total: int | None = None,
) -> None:
    """Prints many records; a table and CSV show ``columns``, JSON shows everything.

    In place of a table without rows a person reads ``empty``; ``total`` is how many there are on
    all pages.
    """
    if output == "json":
        click.echo(to_json(records))
    elif output == "csv":
        click.echo(_frame(records, columns).write_csv(), nl=False)
    elif records:
        _print_table(records, columns)
    else:
        note(empty)
    if records and total is not None:
        note(f"{len(records)} of {total}")


def emit_one(record: Record, *, output: str, summary: Record | None = None) -> None:
    """Prints one record; a person reads its ``summary``, a field a line, those with a value."""
    if output == "json":
        click.echo(to_json(record))
        return
    if output == "csv":
        emit([record], columns=tuple(record), output=output)
        return
    fields = {
        name: cell(rounded(value))
        for name, value in (record if summary is None else summary).items()
        if value is not None and value not in ("", [], (), {})
    }
    width = max(map(len, fields), default=0)
    for name, text in fields.items():
        click.echo(f"{name:{width}}  {text}")


def to_json(value: object) -> str:
    """Readable JSON; dates and paths as text."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def cell(value: object) -> str:
    """One value on one line."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return ", ".join(map(str, value))
    if isinstance(value, float):
        return f"{value:.4g}"
    return json.dumps(value, ensure_ascii=False, default=str)


def rounded(value: Any) -> Any:
    """The same with every number, however deep, as long as a person reads it."""
    if isinstance(value, float):
        return float(f"{value:.4g}") if abs(value) < 1 else round(value, 4)
    if isinstance(value, Mapping):
        return {name: rounded(inner) for name, inner in value.items()}
    return [rounded(inner) for inner in value] if isinstance(value, list | tuple) else value


def counted(number: int, noun: str) -> str:
    """``1 run``, ``2 runs``, ``no run``."""
    return f"{number or 'no'} {noun}{'s' if number > 1 else ''}"


def note(text: str) -> None:
    """Something for a person to read, never part of the result."""
    click.echo(text, err=True)


def _frame(records: Sequence[Record], columns: Sequence[str]) -> pl.DataFrame:
    rows = [{name: cell(record.get(name)) for name in columns} for record in records]
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String))


def _print_table(records: Sequence[Record], columns: Sequence[str]) -> None:
    rows = [{name: rounded(record.get(name)) for name in columns} for record in records]
    rows = _frame(rows, columns).rows()
    if sys.stdout.isatty():
        _print_fitted(rows, columns)
    else:
        _print_lines(rows, columns)


def _print_lines(rows: Sequence[Sequence[str]], columns: Sequence[str]) -> None:
    """A file or a pipe has no width: there, a record is a line, however long."""
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    for row in (columns, *rows):
        padded = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def _print_fitted(rows: Sequence[Sequence[str]], columns: Sequence[str]) -> None:
    from rich.console import Console  # noqa: PLC0415 - only tables need it
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        # An id that is cut in two cannot be copied.
        table.add_column(name, overflow="fold", no_wrap=name.endswith("_id"))
    for row in rows:
        table.add_row(*row)
    Console(highlight=False, markup=False).print(table)


Show = Callable[[str, int, int | None], None]
"""What is being done, how much of it, and of how much (None: nobody knows)."""


@contextmanager
def live_bar() -> Generator[Show]:
    """Shows whatever it is told last; where no cursor moves, a line every few seconds."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
    from rich.progress import (  # noqa: PLC0415 - only a terminal needs it
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description:20}"),
        *(BarColumn(), MofNCompleteColumn(), TaskProgressColumn()),
        *(TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn()),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("starting", total=None)

        def show(what: str, done: int, total: int | None) -> None:
            if bar.tasks[0].description != what:
                bar.reset(task, total=total, description=what)
            bar.update(task, completed=done, total=total)

        yield show


@dataclass(slots=True, kw_only=True)
class Lines:
    """Progress for files and pipes: what is done, its share, and the seconds left at its pace."""

    clock: Callable[[], float] = time.monotonic
    _what: str = field(default="", init=False)
    _began: float = field(default=0.0, init=False)
    _told: float = field(init=False)

    def __post_init__(self) -> None:
        self._told = self.clock()

    def __call__(self, what: str, done: int, total: int | None) -> None:
        """Tells, unless it has told less than :data:`LINE_SECONDS` ago."""
        moment = self.clock()
        if what != self._what:
            self._what, self._began = what, moment
        if moment - self._told < LINE_SECONDS:
            return
        self._told = moment
        note(f"{what}: {_pace(done, total, moment - self._began)}")


def _pace(done: int, total: int | None, seconds: float) -> str:
    if not total:
        return f"{done:,} done" if done else f"{seconds:.0f} s"
    share = f"{done:,} of {total:,} ({done / total:.0%})"
    left = seconds * (total - done) / done if done else 0
    return f"{share}, {left:.0f} s left" if left >= 1 else share


def confirmation_option(prompt: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Adds ``--yes``; without it a person is asked, and nobody there to answer is an error."""

    def ask(context: click.Context, _option: click.Parameter, agreed: Any) -> None:
        if not context.resilient_parsing:
            confirm(prompt, agreed=bool(agreed))

    return click.option(
        "--yes", is_flag=True, expose_value=False, callback=ask, help="Do it without being asked."
    )


def confirm(prompt: str, *, agreed: bool) -> None:
    """Asks unless somebody has ``agreed``; no, or nobody there to answer, ends the command."""
    if agreed or _answer(prompt) in {"y", "yes"}:
        return
    click.echo("nothing was done", err=True)
    raise click.exceptions.Exit(1)


def _answer(prompt: str) -> str:
    click.echo(f"{prompt} [y/N] ", nl=False, err=True)
    line = _typed(sys.stdin)
    if not line:
        click.echo(err=True)
        message = "nobody is there to answer: pass --yes to do it without being asked"
        raise click.UsageError(message)
    return line.strip().lower()


def _typed(stdin: TextIO | None) -> str:
    """A line; nothing at the end of the input, and where it is closed or, by nohup, unreadable."""
    with suppress(OSError):
        return stdin.readline() if stdin is not None else ""
    return ""
