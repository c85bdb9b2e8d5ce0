"""Packages that are installed only when asked for."""

from importlib import import_module
from types import ModuleType

from clustering_pipeline.model.errors import InvalidParameters


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
