"""What texts are, where somebody stated it."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import from_json

from clustering_pipeline.model.errors import InvalidRequest
from clustering_pipeline.model.json_values import check_whole
from clustering_pipeline.service.collections.files.block import Block
from clustering_pipeline.service.collections.files.json_rows import storable

_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


def state_types(block: Block, types: Mapping[str, str]) -> None:
    """Texts become what their columns were stated to hold."""
    for column, name in types.items():
        for index, row in enumerate(block.rows):
            text = row.get(column)
            if not isinstance(text, str):
                continue
            try:
                row[column] = TYPES[name](text.strip() if name != "text" else text)
            except (ValueError, KeyError):
                place = block.place(index)
                message = f"column {column!r} in {place} holds {text[:60]!r}, which is no {name}"
                raise InvalidRequest(message) from None


def _whole(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ValueError
    return check_whole(int(text))


TYPES: dict[str, Callable[[str], Any]] = {
    "text": str,
    "int": _whole,
    "float": lambda text: storable(float(text)),
    "bool": lambda text: _FLAGS[text.lower()],
    "json": lambda text: storable(from_json(text)),
}
