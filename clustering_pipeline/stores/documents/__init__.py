"""Documents: points of Qdrant with vectors and payload."""

from typing import TYPE_CHECKING

from clustering_pipeline.stores.documents.types import (
    CollectionInfo,
    ExportReport,
    Point,
    Source,
    Vector,
    WriteReport,
)

if TYPE_CHECKING:
    from clustering_pipeline.stores.documents.store import Documents

__all__ = [
    "CollectionInfo",
    "Documents",
    "ExportReport",
    "Point",
    "Source",
    "Vector",
    "WriteReport",
]


def __getattr__(name: str) -> type["Documents"]:
    """Imports the client, which takes longer than most commands, for those that need it."""
    if name == "Documents":
        from clustering_pipeline.stores.documents.store import Documents  # noqa: PLC0415

        return Documents
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
