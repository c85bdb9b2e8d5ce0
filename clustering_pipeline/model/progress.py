"""What long work calls between its pieces."""

from collections.abc import Callable
from typing import TypeAlias

Check: TypeAlias = Callable[[], None]
"""Raises to end the work."""
Tell: TypeAlias = Callable[[str], None]
"""Is told in a sentence what long work has come to."""
Progress: TypeAlias = Callable[[int, int], None]
"""Is told how much is done, and of how much."""
