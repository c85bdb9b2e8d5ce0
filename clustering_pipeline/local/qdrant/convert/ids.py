"""Point ids: unsigned integers or UUIDs."""

from collections.abc import Iterable
from uuid import UUID

from qdrant_client import grpc as messages

from clustering_pipeline.local.qdrant.status import wrong_input

EngineId = int | UUID | str


def read_id(point_id: messages.PointId) -> EngineId:
    """The engine's form of an id."""
    kind = point_id.WhichOneof("point_id_options")
    if kind == "num":
        return point_id.num
    if kind == "uuid":
        return _uuid(point_id.uuid)
    raise wrong_input(reason="Malformed point id: neither a number nor a UUID")


def read_ids(ids: Iterable[messages.PointId]) -> list[EngineId]:
    """All of them, in order."""
    return [read_id(point_id) for point_id in ids]


def write_id(point_id: EngineId, into: messages.PointId) -> None:
    """Fill in a message."""
    if isinstance(point_id, int):
        into.num = point_id
    else:
        into.uuid = str(point_id)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise wrong_input(reason=f"Unable to parse UUID: {text}") from error
