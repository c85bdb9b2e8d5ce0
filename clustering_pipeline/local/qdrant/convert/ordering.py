"""Order by a payload field."""

import qdrant_edge as edge
from qdrant_client import grpc as messages

_DIRECTIONS = {messages.Asc: edge.Direction.Asc, messages.Desc: edge.Direction.Desc}


def read_order_by(message: messages.OrderBy) -> edge.OrderBy:
    """The engine's form of an ordering."""
    return edge.OrderBy(
        key=message.key,
        direction=_DIRECTIONS[message.direction],
        start_from=_start(message.start_from) if message.HasField("start_from") else None,
    )


def _start(message: messages.StartFrom) -> int | float | str | None:
    match message.WhichOneof("value"):
        case "float":
            return message.float
        case "integer":
            return message.integer
        case "timestamp":
            return str(message.timestamp.ToJsonString())
        case "datetime":
            return message.datetime
        case _:
            return None
