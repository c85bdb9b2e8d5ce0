"""What a first look at all rows tells of a file, before any of it is written."""

from collections import Counter
from dataclasses import dataclass, field

from clustering_pipeline.model.errors import InvalidRequest, InvalidVectors
from clustering_pipeline.model.ids import is_point_id, point_id_of
from clustering_pipeline.service.collections.files.block import DocumentId, Source

_NAMED = 10
NO_VECTORS = (
    "Vectors are taken from --vector-column, or made of texts: --text COLUMN --embed openai:MODEL "
    "(any server that speaks its protocol), sentence-transformers:MODEL or fastembed:MODEL"
)
_UUID_LENGTH = 36


@dataclass(kw_only=True)
class Seen:
    """What a first look at all rows has told."""

    rows: int = 0
    columns: dict[str, None] = field(default_factory=dict)
    lengths: dict[str, set[int]] = field(default_factory=dict)
    broken: list[DocumentId] = field(default_factory=list)
    missing_ids: int = 0
    has_ids: bool = False
    ids: set[str] = field(default_factory=set)
    repeated: list[str] = field(default_factory=list)

    def judge(self, source: Source) -> None:
        """Raises InvalidRequest or InvalidVectors for what cannot be loaded."""
        self._judge_columns(source)
        self._judge_ids(source)
        if self.broken and not source.keep_without_vector:
            names = ", ".join(map(repr, self.broken[:_NAMED]))
            message = (
                f"{len(self.broken)} rows of {source.file} have a vector with NaN, infinity or a "
                f"missing number: {names}; mend them, or load with --keep-without-vector"
            )
            details = {"document_ids": list(map(str, self.broken[:_NAMED]))}
            raise InvalidVectors(message, details=details)

    def _judge_columns(self, source: Source) -> None:
        if not self.rows:
            message = f"{source.file} holds no documents"
            raise InvalidRequest(message)
        asked = [] if source.id_from or self.has_ids else [source.id_column]
        asked += [source.text_column] if source.text_column else []
        for column in [*(set(source.vector_columns) - self.lengths.keys()), *asked]:
            if column not in self.columns:
                names = ", ".join(self.columns)
                message = f"{source.file} has no column {column!r}; it has: {names}"
                ways = column in source.vector_columns
                raise InvalidRequest(f"{message}. {NO_VECTORS}" if ways else message)
        if unknown := sorted({*source.types, *source.rename} - self.columns.keys()):
            message = (
                f"{source.file} has no column {unknown[0]!r}; it has: {', '.join(self.columns)}"
            )
            raise InvalidRequest(message)

    def _judge_ids(self, source: Source) -> None:
        if self.missing_ids:
            message = (
                f"{self.missing_ids} rows of {source.file} have no {source.id_column!r}: give them "
                "one, or make ids of what rows hold by --id-from"
            )
            raise InvalidRequest(message)
        if any(map(_is_made, self.ids)):
            points = Counter(point_id_of(text) for text in self.ids)
            self.repeated += [repr(text) for text in self.ids if points[point_id_of(text)] > 1]
        if self.repeated:
            message = (
                f"{len(self.repeated)} rows of {source.file} repeat a {source.id_column!r}, and "
                f"ids name documents: {', '.join(self.repeated[:_NAMED])}"
            )
            raise InvalidRequest(message)

    def size(self, source: Source, column: str) -> int:
        """How long the vectors of a column are; those that are missing do not count."""
        lengths = sorted(self.lengths.get(column, set()) - {-1})
        if len(lengths) == 1 and lengths[0] > 0:
            return lengths[0]
        kinds = f"vectors of lengths {', '.join(map(str, lengths))}" if lengths else "no vectors"
        message = f"column {column!r} of {source.file} holds {kinds}"
        raise InvalidVectors(message)


def _is_made(text: str) -> bool:
    """Whether an id could be the very point that is made of another id."""
    return len(text) == _UUID_LENGTH and text[14] == "5" and is_point_id(text)
