"""What libraries warn of, kept for the record instead of printed."""

import warnings
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def collected() -> Generator[list[str]]:
    """The different messages warned of inside, complete when it ends."""
    messages: list[str] = []
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always")
        try:
            yield messages
        finally:
            messages += sorted({str(warning.message) for warning in raised})
