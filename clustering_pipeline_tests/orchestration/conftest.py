import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from uuid import uuid4

import dagster as dg
import pytest
from pymongo import MongoClient

from clustering_pipeline.orchestration.pipeline import Pipeline
from clustering_pipeline.stores.artifacts import Artifacts
from clustering_pipeline.stores.catalog import Catalog
from clustering_pipeline.stores.documents import Documents
from clustering_pipeline_tests.orchestration.world import World

PATIENCE = 120
"""Seconds that a store may take to answer: a machine may be busy with other tests."""


@pytest.fixture(scope="module")
def world(mongodb_uri: str, qdrant_url: str) -> Iterator[World]:
    """A catalog, a folder of artifacts and a Dagster instance of the module's own."""
    database = f"test_{uuid4().hex}"
    with ExitStack() as opened:
        folder = opened.enter_context(tempfile.TemporaryDirectory())
        catalog = Catalog.connect(mongodb_uri, database, timeout_ms=PATIENCE * 1000)
        documents = Documents.connect(qdrant_url, patience=PATIENCE)
        opened.enter_context(closing(catalog))
        opened.enter_context(closing(documents))
        instance = opened.enter_context(dg.DagsterInstance.ephemeral())
        artifacts = Artifacts.open(Path(folder))
        pipeline = Pipeline(catalog=catalog, documents=documents, artifacts=artifacts)
        there = World(pipeline=pipeline, instance=instance)
        before = set(documents.collections())
        yield there
        for name in set(documents.collections()) - before:
            documents.delete_collection(name)
    with MongoClient(mongodb_uri) as client:
        client.drop_database(database)
