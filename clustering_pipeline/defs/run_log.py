"""The lines of a run: on its page in Dagster, and on stderr."""

import logging
from collections.abc import Generator
from contextlib import contextmanager

import dagster as dg

from clustering_pipeline import logs
from clustering_pipeline.defs.graph import Context
from clustering_pipeline.defs.instance.tags import PARTITION
from clustering_pipeline.model.ids import run_id_of

_LEVEL = logging.WARNING
_FORWARDED = {"forwarded": True}


@contextmanager
def logged(context: Context, stage: str) -> Generator[logs.Belongs]:
    """Sends lines to the run's page while its stage works.

    Dagster writes what is on the page to stderr as text; as JSON we do so ourselves.
    """
    logs.tell_retries()
    if logs.is_json():
        logs.to_stderr()
    run_id = run_id_of(context.run.run_id)
    definition = context.run.tags.get(PARTITION)
    page = _Page(context.log, run_id)
    logs.ROOT.addHandler(page)
    try:
        with logs.belonging(
            threads=True, run_id=run_id, definition=definition, stage=stage
        ) as belongs:
            yield belongs
    finally:
        logs.ROOT.removeHandler(page)


class _Page(logging.Handler):
    """A run's page in Dagster; lines of other runs in the same process are not for it."""

    def __init__(self, log: logging.Logger, run_id: str):
        super().__init__(logging.INFO)
        self.setFormatter(logs.Text())
        self._log = log
        self._run_id = run_id

    def emit(self, record: logging.LogRecord) -> None:
        """Hands on."""
        if logs.facts_of(record).get("run_id") == self._run_id:
            self._log.log(record.levelno, self.format(record), extra=_FORWARDED)


def _console(_context: dg.InitLoggerContext) -> logging.Logger:
    logger = logging.Logger("dagster", _LEVEL)
    handler = logs.Console()
    handler.addFilter(_of_dagster)
    logger.addHandler(handler)
    return logger


CONSOLE = dg.LoggerDefinition(
    _console, description="Warnings of Dagster itself, as JSON like our own lines."
)
"""What takes the place of Dagster's own console, whose lines are text."""


def _of_dagster(record: logging.LogRecord) -> bool:
    """Gives Dagster's own lines our facts; ours have been written already."""
    meta = getattr(record, "dagster_meta", {})
    record.facts = {
        "run_id": run_id_of(str(meta.get("run_id"))),
        "definition": (meta.get("job_tags") or {}).get(PARTITION),
        "stage": meta.get("step_key"),
    }
    return not hasattr(record, "forwarded")
