"""Qdrant's point ids: unsigned integers or UUIDs, so other document ids need one made for them."""

import uuid

PointId = int | str

_DOCUMENTS = uuid.UUID("2b8e1f5c-7d3a-4f6e-9c01-5a4b3c2d1e0f")
_LARGEST = 2**64


def point_id_of(document_id: object) -> PointId:
    """The point of a document: the id itself where Qdrant takes it, else a UUID made of it."""
    if isinstance(document_id, int) and 0 <= document_id < _LARGEST:
        return document_id
    text = str(document_id)
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return str(uuid.uuid5(_DOCUMENTS, text))
