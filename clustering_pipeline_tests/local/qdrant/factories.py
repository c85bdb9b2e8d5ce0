"""Collections and points for these tests, and what a refusal looks like to a client."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import pytest
from qdrant_client import QdrantClient, models

TWO_VECTORS = {
    "text": models.VectorParams(size=4, distance=models.Distance.COSINE),
    "image": models.VectorParams(size=2, distance=models.Distance.DOT),
}
ONE_VECTOR = models.VectorParams(size=2, distance=models.Distance.DOT)


def point(point_id: int | str, **payload: Any) -> models.PointStruct:
    """A point with both vectors."""
    vectors = {"text": [1.0, 0.0, 0.0, 0.0], "image": [1.0, 2.0]}
    return models.PointStruct(id=point_id, vector=vectors, payload=payload)


def ids(client: QdrantClient, name: str, **arguments: Any) -> list[int | str]:
    """The ids a scroll finds."""
    return [record.id for record in client.scroll(name, limit=1000, **arguments)[0]]


def payload(client: QdrantClient, name: str, point_id: int | str) -> Any:
    """The payload of one point."""
    return client.retrieve(name, [point_id])[0].payload


@contextmanager
def refused(code: grpc.StatusCode, text: str) -> Iterator[None]:
    """The block ends with this status and a message that holds ``text``."""
    with pytest.raises(grpc.RpcError) as error:
        yield
    assert (error.value.code(), text in error.value.details()) == (code, True), error.value
