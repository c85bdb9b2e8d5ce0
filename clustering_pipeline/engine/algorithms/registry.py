"""The algorithms there are: every module of this package that defines ``ALGORITHM``."""

from importlib import import_module
from pathlib import Path
from typing import Any

from clustering_pipeline.engine.algorithms.algorithm import Algorithm
from clustering_pipeline.model.errors import InvalidParameters

MACHINERY = {"__init__", "algorithm", "fit", "lloyd", "registry"}


def names() -> tuple[str, ...]:
    """The names of all algorithms, sorted."""
    modules = {path.stem for path in Path(__file__).parent.glob("*.py")}
    return tuple(sorted(modules - MACHINERY))


def algorithm(name: str) -> Algorithm[Any]:
    """The algorithm of that name; raises ``InvalidParameters`` listing those there are."""
    if name == "attribute_based":
        message = "attribute_based groups by values, not by vectors: call group_by_attributes"
        raise InvalidParameters(message)
    if name not in names():
        message = f"there is no algorithm {name!r}; there are: {', '.join(names())}"
        raise InvalidParameters(message)
    found: Algorithm[Any] = import_module(f"{__package__}.{name}").ALGORITHM
    return found
