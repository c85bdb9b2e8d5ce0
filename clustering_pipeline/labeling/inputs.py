"""What is taken of a document: the mapped inputs, or the fields chosen by measure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from clustering_pipeline.labeling.config import InputMapping
from clustering_pipeline.labeling.text.tokens import visible

_MOST = 4_000
_IMAGE = re.compile(r"^data:image/|^https?://\S+\.(png|jpe?g|webp|gif)(\?\S*)?$", re.IGNORECASE)
_ADDRESS = re.compile(r"^(https?|data|s3):", re.IGNORECASE)
# What a model's server can open.
_OPEN = re.compile(r"^(https?://|data:image/)", re.IGNORECASE)
_URL_KEYS = ("url", "presigned_url", "uri", "data")

Payload: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What a prompt shows of one document."""

    texts: Mapping[str, str]
    images: tuple[str, ...] = ()


def inputs_of(
    payload: Payload,
    mappings: Sequence[InputMapping],
    fields: Sequence[str],
    *,
    similarities: Mapping[str, float] | None = None,
) -> Inputs:
    """The mapped inputs of a document, or the chosen fields when nothing is mapped.

    A ``vector`` input reads as the document's cosine to the centre of its group, by the vector that
    its path names: ``similarities`` holds those.
    """
    known = similarities or {}
    texts: dict[str, str] = {}
    images: list[str] = []
    for key, source, value in _values(payload, mappings or as_mappings(fields)):
        if source == "vector":
            near = known.get(str(value))
            texts[key] = "" if near is None else f"{near:.2f} similar to the centre of its group"
            continue
        for item in value if isinstance(value, list) else [value]:
            address = _address(item)
            if address and (_OPEN if source == "blob" else _IMAGE).match(address):
                images.append(address)
        texts[key] = _written(value)
    return Inputs(texts={key: text for key, text in texts.items() if text}, images=tuple(images))


def text_of(payload: Payload, mappings: Sequence[InputMapping], fields: Sequence[str]) -> str:
    """The document's own words, for keyphrases: literals say nothing about it."""
    own = [mapping for mapping in mappings if mapping.source_type in {"payload", "blob"}]
    values = _values(payload, own or as_mappings(fields))
    return "\n".join(filter(None, (_written(value) for _, _, value in values)))[:_MOST]


def value_at(payload: Payload, path: str) -> object:
    """The value at a dotted path, through lists by position; a key that holds dots wins."""
    if path in payload:
        return payload[path]
    value: object = payload
    for step in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def as_mappings(fields: Sequence[str]) -> tuple[InputMapping, ...]:
    """What shows the chosen fields, when nothing is mapped."""
    return tuple(InputMapping(input_key=field, path=field) for field in fields)


def _values(
    payload: Payload, mappings: Sequence[InputMapping]
) -> Iterator[tuple[str, str, object]]:
    for mapping in mappings:
        value = mapping.override
        if (value is None and mapping.source_type == "literal") or mapping.source_type == "vector":
            value = mapping.path
        elif value is None:
            value = value_at(payload, mapping.path or mapping.input_key)
        yield mapping.input_key, mapping.source_type, value


def _address(value: object) -> str | None:
    if isinstance(value, Mapping):
        value = next((value[key] for key in _URL_KEYS if isinstance(value.get(key), str)), None)
    return value if isinstance(value, str) and _ADDRESS.match(value) else None


def _written(value: object) -> str:
    """Words a reader would see; addresses and nested objects are none."""
    if isinstance(value, str):
        return "" if _ADDRESS.match(value) else visible(value).strip()
    if isinstance(value, bool | int | float):
        return str(value)
    if isinstance(value, list):
        return ", ".join(filter(None, map(_written, value)))
    return ""
