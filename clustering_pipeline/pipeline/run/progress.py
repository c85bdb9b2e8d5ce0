"""Long work says how far it is, in the catalog, where every client can read it."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from clustering_pipeline.engine.vectors import silent
from clustering_pipeline.logs import tell
from clustering_pipeline.model.progress import Tell

LOG = logging.getLogger(__name__)
Write = Callable[[int, int | None], None]
INTERVAL_SECONDS = 0.5


@dataclass(slots=True, kw_only=True)
class Progress:
    """Passes on at most two reports a second; the last one of a stage always arrives.

    ``say`` passes on every sentence about what long work has come to.
    """

    write: Write
    say: Tell = silent
    clock: Callable[[], float] = time.monotonic
    _last: float = field(default=float("-inf"), init=False)

    def __call__(self, done: int, total: int | None = None) -> None:
        """Report ``done`` of ``total``; None while nobody knows how many there are."""
        seconds = self.clock()
        if done != total and seconds - self._last < INTERVAL_SECONDS:
            return
        self._last = seconds
        self.write(done, total)


CALL_SECONDS = 1.0
LINE_SECONDS = 5.0


@dataclass(slots=True, kw_only=True)
class Paced:
    """Passes on at most one call a second, the first at once; a line every five says for how long
    the work goes on.
    """

    ask: Callable[[], None]
    clock: Callable[[], float] = time.monotonic
    _last: float = field(default=float("-inf"), init=False)
    _started: float = field(init=False)
    _lines: int = field(default=1, init=False)

    def __post_init__(self) -> None:
        self._started = self.clock()

    def __call__(self) -> None:
        """Ask, unless that was done less than a second ago."""
        moment = self.clock()
        if moment - self._last >= CALL_SECONDS:
            self._last = moment
            self.ask()
        if moment - self._started >= self._lines * LINE_SECONDS:
            self._lines = int((moment - self._started) / LINE_SECONDS) + 1
            tell(LOG, "stage at work", seconds=moment - self._started)
