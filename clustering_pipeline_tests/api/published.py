"""The client that is published for this contract, imported when it is used: that takes seconds."""

from typing import Any


def __getattr__(name: str) -> Any:
    # pytest asks every module that a test imports for names of its own.
    if name.startswith("_"):
        raise AttributeError(name)
    import mixpeek  # noqa: PLC0415

    return getattr(mixpeek, name)
