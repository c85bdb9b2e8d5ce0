"""The shape an answer must have."""

from collections.abc import Mapping
from typing import cast

from clustering_pipeline.labeling.config import LabelingConfig

_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}
OWN = ("label", "probability", "summary", "keywords")
"""Fields this project reads itself; ``response_shape`` may not redefine them."""


def answer_schema(config: LabelingConfig) -> dict[str, object]:
    """JSON schema of the answer, as strict servers want it: every field required, none besides."""
    properties: dict[str, object] = {"label": _label(config)}
    if config.candidate_labels:
        properties["probability"] = {"type": "number"}
    if config.include_summary:
        properties["summary"] = _TEXT
    if config.include_keywords:
        properties["keywords"] = _TEXTS
    properties |= shaped_fields(config)
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def shaped_fields(config: LabelingConfig) -> dict[str, object]:
    """Further fields of ``response_shape``: a JSON schema, or field to description."""
    shape = config.response_shape
    if not isinstance(shape, Mapping):
        return {}
    declared = cast("Mapping[str, object]", shape.get("properties", shape))
    return {name: _field(value) for name, value in declared.items() if name not in OWN}


def _label(config: LabelingConfig) -> dict[str, object]:
    return _TEXT | {"enum": list(config.candidate_labels)} if config.candidate_labels else {**_TEXT}


def _field(value: object) -> object:
    if isinstance(value, Mapping) and "type" in value:
        return value
    if isinstance(value, list):
        return _TEXTS
    return _TEXT | {"description": value} if isinstance(value, str) else _TEXT
