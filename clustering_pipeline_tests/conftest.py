"""The stores every test uses, real ones: a mongod, and Qdrant over gRPC.

Each worker has one of both for the whole session, so a test keeps to a database and to
collections with names of its own.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING
from uuid import uuid4

import psutil
import pytest
from pymongo import MongoClient
from pymongo.database import Database
from qdrant_client import QdrantClient, grpc

from clustering_pipeline.local.qdrant.server import QdrantServer
from clustering_pipeline.local.stack.client import Stack, attach, detach
from clustering_pipeline_tests.sizes import FULL

if TYPE_CHECKING:
    from clustering_pipeline_tests.worlds.dying import Places
    from clustering_pipeline_tests.worlds.world import World

ROOM = 2 * 2**30
"""Bytes: more than the stacks of all workers need."""
STRICT = grpc.StrictModeConfig(
    enabled=True,
    max_query_limit=30,
    unindexed_filtering_retrieve=False,
    search_allow_exact=False,
    condition_max_size=20,
    filter_max_conditions=10,
    upsert_max_batchsize=50,
    read_rate_limit=20_000,
    write_rate_limit=20_000,
)
"""What hosted collections let a request ask, and less."""
QUICK = ("model", "labeling", "notifications", "report")
"""Folders of tests that take no server."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Quick files come last: they fill the time until the other workers have ended long ones."""
    items.sort(key=lambda item: item.nodeid.split("/")[1] in QUICK)


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The worker's embedded stack, which ends with the worker."""
    with tempfile.TemporaryDirectory(dir=_memory(), ignore_cleanup_errors=True) as folder:
        stack = attach(Path(folder), journal=False, grace=1.0)
        supervisor = psutil.Process(stack.pid)
        yield stack
        detach(stack.data_dir)
        # Its servers write until they end.
        psutil.wait_procs([supervisor], timeout=30)


def _memory() -> Path | None:
    """Where files are in memory, if there is room: a collection is made there in no time."""
    there = Path("/dev/shm")  # noqa: S108 - for what tempfile makes in it
    roomy = not FULL and there.is_dir() and shutil.disk_usage(there).free > ROOM
    return there if roomy else None


@pytest.fixture(scope="session")
def mongodb_uri(stack: Stack) -> str:
    """The address of the worker's mongod."""
    return stack.mongodb_uri


@pytest.fixture(scope="session")
def strict_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an embedded Qdrant with all that servers in production are strict about."""
    order = Random(0)  # noqa: S311 - of keys
    server = QdrantServer(tmp_path_factory.mktemp("strict"), strict=STRICT, key_order=order)
    yield server.url
    server.stop()


@pytest.fixture(scope="session")
def qdrant_url(stack: Stack, request: pytest.FixtureRequest) -> str:
    """The address of a Qdrant, ``grpc://127.0.0.1:PORT``: the worker's, or the environment's."""
    asked = os.environ.get("CLUSTERING_TEST_QDRANT")
    return request.getfixturevalue("strict_url") if asked == "strict" else asked or stack.qdrant_url


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


@pytest.fixture(scope="module")
def places(mongodb_uri: str, qdrant_url: str) -> "Iterator[Places]":
    """Where the stores of the module's world are."""
    from clustering_pipeline_tests.worlds.opened import open_places  # noqa: PLC0415 - Dagster

    with open_places(mongodb_uri, qdrant_url) as found:
        yield found


@pytest.fixture(scope="module")
def world(places: "Places") -> "Iterator[World]":
    """A catalog, a folder of artifacts and a Dagster instance of the module's own."""
    from clustering_pipeline_tests.worlds.opened import open_world  # noqa: PLC0415 - Dagster

    with open_world(places) as found:
        yield found
