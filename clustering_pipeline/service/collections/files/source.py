"""Which file or folder is loaded, and how its columns read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from clustering_pipeline.model.collections import DOCUMENT_ID
from clustering_pipeline.service.collections.files.block import Columns

DocumentId = str | int


@dataclass(frozen=True, kw_only=True)
class Source:
    """A file or a folder, and how its columns read."""

    file: Path
    vector_columns: tuple[str, ...] = ("embedding",)
    id_column: str = DOCUMENT_ID
    id_from: str | None = None
    """Instead of an id column: the column whose text ids are made of, or ``content``."""
    types: Mapping[str, str] = field(default_factory=dict)
    """Column to what its texts are: a name in ``TYPES``."""
    rename: Mapping[str, str] = field(default_factory=dict)
    keep_without_vector: bool = False
    """Whether a document with NaN or infinity in a vector is stored without it."""

    @property
    def columns(self) -> Columns:
        """What a reader has to know."""
        own = None if self.id_from else self.id_column
        return Columns(vectors=self.vector_columns, id=own)
