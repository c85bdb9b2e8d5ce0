"""The stores every test uses, real ones: a mongod, and Qdrant over gRPC.

Each worker has one of both for the whole session, so a test keeps to a database and to
collections with names of its own.
"""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from pymongo import MongoClient
from pymongo.database import Database
from qdrant_client import QdrantClient

from clustering_pipeline.local.stack import Stack, attach, detach

QUICK = ("model", "labeling", "notifications", "report")
"""Folders of tests that take no server."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Quick files come last: they fill the time until the other workers have ended long ones."""
    items.sort(key=lambda item: item.nodeid.split("/")[1] in QUICK)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The worker's embedded stack, which ends with the worker."""
    data_dir = tmp_path_factory.mktemp("data")
    yield attach(data_dir, journal=False, grace=1.0)
    detach(data_dir)


@pytest.fixture(scope="session")
def mongodb_uri(stack: Stack) -> str:
    """The address of the worker's mongod."""
    return stack.mongodb_uri


@pytest.fixture(scope="session")
def qdrant_url(stack: Stack) -> str:
    """The address of the worker's Qdrant: ``grpc://127.0.0.1:PORT``, a port that speaks gRPC."""
    return stack.qdrant_url


@pytest.fixture
def mongo_database(mongodb_uri: str) -> Iterator[Database]:
    """A database nobody else uses, dropped afterwards."""
    with MongoClient(mongodb_uri) as client:
        name = f"test_{uuid4().hex}"
        yield client[name]
        client.drop_database(name)


@pytest.fixture(scope="session")
def _qdrant_session(qdrant_url: str) -> Iterator[QdrantClient]:
    port = int(qdrant_url.rpartition(":")[2])
    client = QdrantClient(
        host="127.0.0.1", grpc_port=port, prefer_grpc=True, check_compatibility=False, timeout=60
    )
    yield client
    client.close()


@pytest.fixture
def qdrant(_qdrant_session: QdrantClient) -> Iterator[QdrantClient]:
    """A client of the worker's Qdrant; what collections a test leaves are deleted after it."""
    before = _names(_qdrant_session)
    yield _qdrant_session
    for name in _names(_qdrant_session) - before:
        _qdrant_session.delete_collection(name)


def _names(client: QdrantClient) -> set[str]:
    return {collection.name for collection in client.get_collections().collections}
