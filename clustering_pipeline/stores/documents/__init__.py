"""Documents: points of Qdrant with vectors and payload."""

from clustering_pipeline.stores.documents.facts import (
    CollectionInfo,
    ExportReport,
    Point,
    Source,
    Vector,
    WriteReport,
)
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
