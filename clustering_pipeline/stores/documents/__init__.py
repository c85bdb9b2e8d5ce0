"""Documents: points of Qdrant with vectors and payload."""

from clustering_pipeline.stores.documents.store import Documents
from clustering_pipeline.stores.documents.types import (
    CollectionInfo,
    ExportReport,
    Point,
    Selection,
    Source,
    Vector,
    WriteReport,
)

__all__ = [
    "CollectionInfo",
    "Documents",
    "ExportReport",
    "Point",
    "Selection",
    "Source",
    "Vector",
    "WriteReport",
]
