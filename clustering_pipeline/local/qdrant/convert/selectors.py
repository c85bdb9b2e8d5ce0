"""Which payload fields and which vectors an answer is to hold."""

from typing import Any

import qdrant_edge as edge

from clustering_pipeline.local.qdrant.status import unserved

_SHARD_KEYS = "shard_key_selector"

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


def refuse_shard_keys(request: Any) -> None:
    """A collection here is one shard, so nothing can be asked of one shard key."""
    if _SHARD_KEYS in request.DESCRIPTOR.fields_by_name and request.HasField(_SHARD_KEYS):
        raise unserved(what="custom sharding")
