"""A question put to the catalog between blocks of work, however short the blocks are."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

INTERVAL_SECONDS = 1.0


@dataclass(slots=True, kw_only=True)
class Paced:
    """Passes on at most one call a second, the first at once."""

    ask: Callable[[], None]
    clock: Callable[[], float] = time.monotonic
    _last: float = field(default=float("-inf"), init=False)

    def __call__(self) -> None:
        """Ask, unless that was done less than a second ago."""
        now = self.clock()
        if now - self._last >= INTERVAL_SECONDS:
            self._last = now
            self.ask()
