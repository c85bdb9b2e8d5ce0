"""Log lines: an event, its numbers, and what they belong to: a run and its stage, or a request.

Every module tells through the logger of its own name, below ``clustering_pipeline``.  A line holds
no secret, no text of a document and no vector: errors of others are told by their kind alone.
"""

import json
import logging
import os
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from stamina.instrumentation import RetryDetails

ROOT = logging.getLogger("clustering_pipeline")
LOG = logging.getLogger(__name__)
PACE_SECONDS = 5.0

VARIABLE = "CLUSTERING_LOG"

Belongs = dict[str, object]
_BELONGS: ContextVar[Belongs | None] = ContextVar("belongs", default=None)
_PROCESS: list[Belongs] = [{}]
"""What lines of threads belong to that nobody told of anything else: the run of the process."""


def tell(logger: logging.Logger, event: str, level: int = logging.INFO, /, **facts: object) -> None:
    """One line: what happened, and its numbers."""
    logger.log(level, event, extra={"facts": facts})


@contextmanager
def belonging(*, threads: bool = False, **to: object) -> Generator[Belongs]:
    """What the lines of the block belong to; what is known later may be added to the mapping.

    With ``threads`` so do the lines of threads that work for it.
    """
    belongs = {**_belongs(), **to}
    token = _BELONGS.set(belongs)
    if threads:
        _PROCESS.append(belongs)
    try:
        yield belongs
    finally:
        _BELONGS.reset(token)
        if threads:
            _PROCESS.remove(belongs)


def facts_of(record: logging.LogRecord) -> Mapping[str, object]:
    """The numbers of a line, and what it belongs to."""
    own = getattr(record, "facts", {})
    return {**{str(name): fact for name, fact in own.items()}, **_belongs()}


def is_json() -> bool:
    """Whether the environment asks for JSON."""
    return os.environ.get(VARIABLE) == "json"


class Text(logging.Formatter):
    """``event name=value …``."""

    def format(self, record: logging.LogRecord) -> str:
        """One line; below it what failed, where the record has that."""
        words = (f"{name}={_word(value)}" for name, value in facts_of(record).items())
        line = " ".join([record.getMessage(), *words])
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class Json(logging.Formatter):
    """An object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """When, how grave, who, what, and its facts."""
        line: dict[str, object] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **facts_of(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def to_stderr() -> None:
    """Sends the lines of this process to stderr, as the environment asks; may be repeated."""
    tell_retries()
    if not any(isinstance(handler, Console) for handler in ROOT.handlers):
        ROOT.addHandler(Console())


def tell_retries() -> None:
    """Lets lines from INFO on pass, and makes one of each call that is tried again."""
    from stamina.instrumentation import set_on_retry_hooks  # noqa: PLC0415 - few modules retry

    ROOT.setLevel(logging.INFO)
    set_on_retry_hooks([_tell_retry])


class Console(logging.StreamHandler[TextIO]):
    """Writes to stderr, as the environment asks."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self.setFormatter(Json() if is_json() else Text())


@dataclass(slots=True, kw_only=True)
class Pace:
    """Lets a line about long work through every few seconds, the first after as many."""

    seconds: float = PACE_SECONDS
    _last: float = field(default_factory=time.monotonic)

    def __call__(self) -> bool:
        """Whether a line is due now."""
        due = time.monotonic() - self._last >= self.seconds
        if due:
            self._last = time.monotonic()
        return due


def _belongs() -> Belongs:
    own = _BELONGS.get()
    return _PROCESS[-1] if own is None else own


def _tell_retry(details: "RetryDetails") -> None:
    tell(
        LOG,
        "call retried",
        logging.WARNING,
        attempt=details.retry_num,
        wait_seconds=round(details.wait_for, 2),
        because=type(details.caused_by).__name__,
    )


def _word(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if not text or set(text) & set(' "=\n') else text
