"""What libraries raise, as errors that name the fix."""

import warnings
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from threading import Lock, get_ident
from types import ModuleType
from typing import Any

from clustering_pipeline.engine.vectors import Vectors
from clustering_pipeline.model.errors import DoesNotFit, InvalidParameters


@contextmanager
def answerable(method: str, vectors: Vectors) -> Generator[None]:
    """Raises ``DoesNotFit`` for want of memory and ``InvalidParameters`` for values refused."""
    try:
        yield
    except MemoryError as error:
        message = (
            f"{method} ran out of memory with {len(vectors):,} documents of "
            f"{vectors.shape[1]:,} dimensions; lower sample_size or free memory"
        )
        raise DoesNotFit(message) from error
    except ValueError as error:
        message = f"{method} does not work with these parameters: {error}"
        raise InvalidParameters(message) from error


@contextmanager
def arguments_of(method: str) -> Generator[None]:
    """Raises ``InvalidParameters`` for what a library says of arguments passed on as they came."""
    try:
        yield
    except (TypeError, ValueError) as error:
        message = f"{method} does not take these parameters: {error}"
        raise InvalidParameters(message) from error


def refuse_tree_without(metric: str, *, algorithm: str) -> None:
    """Raise ``InvalidParameters`` where a search tree was asked for that has no such metric."""
    from sklearn.neighbors import VALID_METRICS  # noqa: PLC0415 - heavy

    if algorithm.endswith("_tree") and metric not in VALID_METRICS[algorithm]:
        message = f"algorithm {algorithm!r} has no metric {metric!r}; use algorithm 'auto'"
        raise InvalidParameters(message)


def required(package: str, *, extra: str) -> ModuleType:
    """The package, or ``InvalidParameters`` naming the extra that brings it."""
    try:
        return import_module(package)
    except ImportError as error:
        message = (
            f"{extra} needs the package {package}, which is not installed: "
            f"pip install 'clustering-pipeline[{extra}]'"
        )
        raise InvalidParameters(message) from error


@dataclass(frozen=True, kw_only=True)
class _Listener:
    """What was heard for one caller, who waits in ``thread``."""

    thread: int = field(default_factory=get_ident)
    heard: set[str] = field(default_factory=set)


class _Listening:
    """All who listen now, those who began first in front."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._listeners: list[_Listener] = []
        self._before = warnings.catch_warnings()

    def begin(self, listener: _Listener) -> None:
        """The first one takes the warnings over."""
        with self._lock:
            if not self._listeners:
                self._before = warnings.catch_warnings()
                self._before.__enter__()
                warnings.simplefilter("always")
                warnings.showwarning = self._hear  # ty: ignore[invalid-assignment] - meant to be replaced
            self._listeners = [*self._listeners, listener]

    def end(self, listener: _Listener) -> None:
        """The last one gives them back."""
        with self._lock:
            self._listeners = [each for each in self._listeners if each is not listener]
            if not self._listeners:
                self._before.__exit__(None, None, None)

    def _hear(self, message: Warning | str, *_where: Any, **_more: Any) -> None:
        """Tell the innermost of the thread, or all where a worker warns, whose is unknown."""
        listeners = self._listeners
        own = [listener for listener in listeners if listener.thread == get_ident()]
        for listener in own[-1:] or listeners:
            listener.heard.add(str(message))


_LISTENING = _Listening()


@contextmanager
def collected() -> Generator[list[str]]:
    """The different messages warned of inside, complete when it ends.

    Several threads may be inside at once, and leave in any order.
    """
    messages: list[str] = []
    listener = _Listener()
    _LISTENING.begin(listener)
    try:
        yield messages
    finally:
        _LISTENING.end(listener)
        messages += sorted(listener.heard)
