"""Which payload fields and which vectors an answer is to hold."""

from typing import Any

import qdrant_edge as edge

PayloadWish = bool | list[str] | edge.PayloadSelector
VectorWish = bool | list[str]


def read_payload_wish(request: Any, *, default: bool) -> PayloadWish:
    """The ``with_payload`` of a request."""
    selector = request.with_payload
    match selector.WhichOneof("selector_options"):
        case "enable":
            return bool(selector.enable)
        case "include":
            return edge.PayloadSelector.Include(list(selector.include.fields))
        case "exclude":
            return edge.PayloadSelector.Exclude(list(selector.exclude.fields))
        case _:
            return default


def read_vector_wish(request: Any) -> VectorWish:
    """The ``with_vectors`` of a request; none unless asked for."""
    selector = request.with_vectors
    match selector.WhichOneof("selector_options"):
        case "enable":
            return bool(selector.enable)
        case "include":
            return list(selector.include.names)
        case _:
            return False
