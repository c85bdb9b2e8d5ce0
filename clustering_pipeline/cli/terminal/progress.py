"""One live bar on stderr while something long goes on; nothing at all where it is no terminal."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

Show = Callable[[str, int, int | None], None]
"""What is being done, how much of it, and of how much (None: nobody knows)."""


@contextmanager
def live_bar() -> Generator[Show]:
    """Shows whatever it is told last."""
    if not sys.stderr.isatty():
        yield lambda _what, _done, _total: None
        return
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (TextColumn("{task.description:20}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("starting", total=None)
        yield lambda what, done, total: bar.update(
            task, description=what, completed=done, total=total
        )
