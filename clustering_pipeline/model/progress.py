"""What long work calls between its pieces."""

from collections.abc import Callable
from typing import TypeAlias

Check: TypeAlias = Callable[[], None]
"""Raises to end the work."""
Progress: TypeAlias = Callable[[int, int], None]
"""Is told how much is done, and of how much."""
