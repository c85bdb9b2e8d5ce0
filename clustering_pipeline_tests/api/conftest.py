from collections.abc import Iterator
from contextlib import ExitStack
from uuid import uuid4

import httpx
import pytest
from pymongo import MongoClient

from clustering_pipeline.local.connect import open_pipeline
from clustering_pipeline.local.stack.client import Stack
from clustering_pipeline.settings import Settings
from clustering_pipeline_tests.api.served import Served, served_app
from clustering_pipeline_tests.worlds.own_stack import own_stack


@pytest.fixture(scope="module")
def settings(stack: Stack, qdrant_url: str) -> Iterator[Settings]:
    """The worker's embedded stack with a database of the module's own, for launched runs too."""
    database = f"test_{uuid4().hex}"
    with own_stack(stack, qdrant_url) as patch:
        patch.setenv("CLUSTERING_MONGODB_DATABASE", database)
        yield Settings()
    with MongoClient(stack.mongodb_uri) as client:
        client.drop_database(database)


@pytest.fixture(scope="module")
def served(settings: Settings) -> Iterator[Served]:
    """The API over HTTP; collections that the module leaves in Qdrant are deleted after it."""
    with ExitStack() as opened:
        pipeline = opened.enter_context(open_pipeline(settings))
        before = set(pipeline.documents.collections())
        yield opened.enter_context(served_app(settings, pipeline))
        for name in set(pipeline.documents.collections()) - before:
            pipeline.documents.delete_collection(name)


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[httpx.Client]:
    """A client that may read and write in the default namespace."""
    with served.client() as client:
        yield client
