"""Asks before something is lost."""

import sys
from collections.abc import Callable
from typing import Any

import click


def confirmation_option(prompt: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Adds ``--yes``; without it a person is asked, and nobody there to answer is an error."""

    def ask(context: click.Context, _option: click.Parameter, agreed: Any) -> None:
        if agreed or context.resilient_parsing or _answer(prompt) in {"y", "yes"}:
            return
        click.echo("nothing was done", err=True)
        context.exit(1)

    return click.option(
        "--yes",
        is_flag=True,
        expose_value=False,
        callback=ask,
        help="Do it without being asked.",
    )


def _answer(prompt: str) -> str:
    click.echo(f"{prompt} [y/N] ", nl=False, err=True)
    line = sys.stdin.readline()
    if not line:
        click.echo(err=True)
        message = "nobody is there to answer: pass --yes to do it without being asked"
        raise click.UsageError(message)
    return str(line).strip().lower()
