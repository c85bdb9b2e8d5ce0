"""Which results are written onto the source documents, under which names."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from clustering_pipeline.model.base import RequestModel
from clustering_pipeline.model.errors import InvalidDefinition

SOURCE_FIELDS = (
    "cluster_id",
    "cluster_label",
    "distance_to_centroid",
    "group_uid",
    "probability",
    "summary",
    "member_count",
    "keywords",
    "x",
    "y",
    "z",
)
METADATA = "metadata."
_METADATA = re.compile(r"metadata(\.[^.\s]+)+")
# In this order: a truth value is an integer too, and so is the Int64 that MongoDB answers.
_PLAIN = (bool, str, int, float)
# Overwritten, these would make documents change their identity from run to run.
PROTECTED = frozenset({"document_id", "collection_id"})


def _check_source(field: str) -> str:
    if field not in SOURCE_FIELDS and not _METADATA.fullmatch(field):
        message = f"{field[:60]!r} is no result; there are {', '.join(SOURCE_FIELDS)}, metadata.*"
        raise ValueError(message)
    return field


def _check_target(field: str) -> str:
    if field in PROTECTED:
        message = f"{field!r} identifies the document and cannot be written"
        raise ValueError(message)
    if not all(part.strip() for part in field.split(".")):
        message = f"{field[:60]!r} is no payload field: it is empty, or a part of its path is"
        raise ValueError(message)
    return field


class EnrichmentFieldMapping(RequestModel):
    """One result and the payload field it goes to."""

    source_field: Annotated[str, AfterValidator(_check_source)]
    """The result; ``metadata.a.b`` is what the definition's ``metadata`` hold there, for every
    document alike, and nothing where they hold nothing."""
    target_field: Annotated[str, AfterValidator(_check_target), Field(max_length=200)]
    """The payload field, without a dot: in filters a dot leads into an object."""


def metadata_value(metadata: Mapping[str, Any], source_field: str) -> Any:
    """What the definition's metadata hold at ``metadata.a.b``; None when that is not there.

    Raises ValueError for what is no value of one field: an object, or a list that is not plain.
    """
    value: Any = metadata
    for part in source_field.removeprefix(METADATA).split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    items = value if isinstance(value, list) else [] if value is None else [value]
    kinds = set(map(_kind, items))
    if len(kinds) > 1 or not kinds <= set(_PLAIN):
        message = (
            f"{source_field!r} holds more than a text, a number, true, false, or a list of one "
            "kind of these: map its parts"
        )
        raise ValueError(message)
    return value


def check_targets(config: "SourceEnrichmentConfig | None") -> None:
    """Raises InvalidDefinition for a field that filters would look for elsewhere.

    Definitions of earlier versions may have one: its dot is part of the name.
    """
    for mapping in config.field_mappings if config else ():
        if "." in mapping.target_field:
            message = (
                f"target_field {mapping.target_field!r} has a dot, which leads into an object in "
                f"filters: name it {mapping.target_field.replace('.', '_')!r}"
            )
            raise InvalidDefinition(message)


def _kind(value: object) -> type:
    return next((kind for kind in _PLAIN if isinstance(value, kind)), type(value))


def _check_apart(mappings: list[EnrichmentFieldMapping]) -> list[EnrichmentFieldMapping]:
    seen: set[str] = set()
    for target in sorted((mapping.target_field for mapping in mappings), key=len):
        inside = {target[:end] for end in range(len(target)) if target[end] == "."}
        if taken := seen & (inside | {target}):
            message = f"{taken.pop()!r} and {target!r} cannot both be written: one holds the other"
            raise ValueError(message)
        seen.add(target)
    return mappings


DEFAULT_MAPPINGS = tuple(
    EnrichmentFieldMapping(source_field=name, target_field=name)
    for name in ("cluster_id", "cluster_label", "distance_to_centroid")
)


class SourceEnrichmentConfig(RequestModel):
    """Results and the payload fields they go to."""

    field_mappings: Annotated[list[EnrichmentFieldMapping], AfterValidator(_check_apart)] = Field(
        default_factory=lambda: list(DEFAULT_MAPPINGS)
    )
    """Without any: ``cluster_id``, ``cluster_label`` and ``distance_to_centroid`` as they are."""
