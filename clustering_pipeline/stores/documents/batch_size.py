"""How much goes into one call: less where the server is slow, more again where it keeps up."""

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")

GOAL_SECONDS = 1.0
SMALLEST = 10


@dataclass(slots=True, kw_only=True)
class Pace:
    """Halves the size after a call that took longer than the goal, doubles it after a quick one.

    A slow call says so whatever its size was; a quick one only when it was as large as allowed.
    """

    largest: int
    size: int
    clock: Callable[[], float] = time.perf_counter

    def took(self, items: int, seconds: float) -> None:
        """Learns from a call."""
        if seconds > GOAL_SECONDS:
            self.size = max(SMALLEST, min(self.size, items) // 2)
        elif seconds < GOAL_SECONDS / 4 and items >= self.size:
            self.size = min(self.largest, self.size * 2)

    def batches(self, items: Iterable[Item]) -> Iterator[list[Item]]:
        """The items in parts, each as large as is right when it is taken."""
        iterator = iter(items)
        while batch := list(islice(iterator, self.size)):
            yield batch

    @contextmanager
    def timing(self, items: int) -> Generator[None]:
        """Learns from the call inside, failed or not."""
        started = self.clock()
        try:
            yield
        finally:
            self.took(items, self.clock() - started)


def at_most(largest: int) -> Pace:
    """A pace that starts with as much as is allowed."""
    return Pace(largest=largest, size=largest)
