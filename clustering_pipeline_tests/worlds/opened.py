"""The stores that tests of runs work on, opened for a module of tests."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from uuid import uuid4

import dagster as dg
from pymongo import MongoClient

from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.stores.artifacts import Artifacts
from clustering_pipeline.stores.catalog import Catalog
from clustering_pipeline.stores.documents import Documents
from clustering_pipeline_tests.worlds.dying import Places
from clustering_pipeline_tests.worlds.world import World

PATIENCE = 120
"""Seconds that a store may take to answer: a machine may be busy with other tests."""


@contextmanager
def open_places(mongodb_uri: str, qdrant_url: str) -> Iterator[Places]:
    """Where the stores of the module's world are."""
    with tempfile.TemporaryDirectory() as folder:
        yield Places(
            mongodb_uri=mongodb_uri,
            database=f"test_{uuid4().hex}",
            qdrant_url=qdrant_url,
            folder=folder,
        )


@contextmanager
def open_world(places: Places) -> Iterator[World]:
    """A catalog, a folder of artifacts and a Dagster instance of the module's own."""
    with ExitStack() as opened:
        catalog = Catalog.connect(places.mongodb_uri, places.database, timeout_ms=PATIENCE * 1000)
        documents = Documents.connect(places.qdrant_url, patience=PATIENCE)
        opened.enter_context(closing(catalog))
        opened.enter_context(closing(documents))
        instance = opened.enter_context(dg.DagsterInstance.ephemeral())
        artifacts = Artifacts.open(Path(places.folder))
        pipeline = Pipeline(catalog=catalog, documents=documents, artifacts=artifacts)
        there = World(pipeline=pipeline, instance=instance)
        before = set(documents.collections())
        yield there
        for name in set(documents.collections()) - before:
            documents.delete_collection(name)
    with MongoClient(places.mongodb_uri) as client:
        client.drop_database(places.database)
