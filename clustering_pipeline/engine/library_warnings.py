"""What libraries warn of, kept for the record instead of printed.

Python's own way to record warnings changes the whole process and has to be left in the order it was
entered, which runs side by side do not do: here it is entered once for all of them.
"""

import warnings
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock, get_ident
from typing import Any


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
            self._listeners = [one for one in self._listeners if one is not listener]
            if not self._listeners:
                self._before.__exit__(None, None, None)

    def _hear(self, message: Warning | str, *_where: Any, **_more: Any) -> None:
        """Tell the innermost of the thread, or all where a worker warns, whose is unknown."""
        listeners = self._listeners
        own = [one for one in listeners if one.thread == get_ident()]
        for one in own[-1:] or listeners:
            one.heard.add(str(message))


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
