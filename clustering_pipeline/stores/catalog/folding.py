"""Texts prepared for comparison without regard to case, with the folding that filters use."""

from collections.abc import Iterable, Mapping
from typing import Any

from clustering_pipeline.stores.catalog.list_fields import FieldKind, value_at


def folded(view: Mapping[str, Any], fields: Mapping[str, FieldKind]) -> dict[str, Any]:
    """The text fields of ``view``, case-folded; the keys are the paths with ``/`` for dots."""
    return {
        folded_key(path): _fold(value_at(view, path))
        for path, kind in fields.items()
        if kind in {FieldKind.TEXT, FieldKind.TEXTS}
    }


def folded_key(path: str) -> str:
    """Where the folded copy of a field lies."""
    return path.replace(".", "/")


def search_text(texts: Iterable[str]) -> str:
    """One text that a search looks through."""
    return "\n".join(texts).casefold()


def _fold(value: Any) -> Any:
    if isinstance(value, list):
        return [_fold(item) for item in value]
    return value.casefold() if isinstance(value, str) else value
