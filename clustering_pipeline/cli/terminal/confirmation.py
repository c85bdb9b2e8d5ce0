"""Asks before something is lost."""

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TextIO

import click


def confirmation_option(prompt: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Adds ``--yes``; without it a person is asked, and nobody there to answer is an error."""

    def ask(context: click.Context, _option: click.Parameter, agreed: Any) -> None:
        if not context.resilient_parsing:
            confirm(prompt, agreed=bool(agreed))

    return click.option(
        "--yes",
        is_flag=True,
        expose_value=False,
        callback=ask,
        help="Do it without being asked.",
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
