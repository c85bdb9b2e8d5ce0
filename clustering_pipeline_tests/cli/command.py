"""Runs the command line in this process, as a shell does in its own."""

import contextlib
import io
import json
import sys
from dataclasses import dataclass
from typing import Any, TextIO

import pytest

from clustering_pipeline.cli import main

# A shell's background jobs, and what they start, ignore Ctrl-C; what somebody typed does not.
HEEDS = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
PROGRAM = [sys.executable, "-c", f"{HEEDS}; from clustering_pipeline.cli import main; main()"]


@dataclass(frozen=True, kw_only=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)

    @property
    def fields(self) -> dict[str, str]:
        """One record, printed field by field."""
        assert self.code == 0, self.err
        pairs = (line.partition("  ") for line in self.out.splitlines())
        return {name: value.strip() for name, _, value in pairs}


class Terminal(io.StringIO):
    """A stream that somebody watches."""

    def isatty(self) -> bool:
        return True


def run(
    *arguments: object, answers: str | TextIO | None = "", err: io.StringIO | None = None
) -> Done:
    """``clustering-pipeline ARGUMENTS``; ``answers`` is what a person types, or the input."""
    out, err = io.StringIO(), err or io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["clustering-pipeline", *map(str, arguments)])
        patch.setattr(sys, "stdin", io.StringIO(answers) if isinstance(answers, str) else answers)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = _exit_code()
    return Done(code=code, out=out.getvalue(), err=err.getvalue())


def _exit_code() -> int:
    try:
        main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0
