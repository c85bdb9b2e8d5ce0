from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from clustering_pipeline.model.collections import CollectionRecord, RegisterCollectionRequest
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.stores.catalog import Catalog


def _ticking() -> Iterator[datetime]:
    """A second passes at every look, so that nothing is made at the same time by accident."""
    moment = datetime(2026, 11, 21, 12, tzinfo=UTC)
    while True:
        yield moment
        moment += timedelta(seconds=1)


@pytest.fixture(scope="session")
def _database(mongodb_uri: str) -> Iterator[Database[dict[str, Any]]]:
    # Making all indexes takes longer than most tests, so every test empties the same collections.
    with MongoClient(mongodb_uri) as client:
        database = client[f"catalog_{uuid4().hex}"]
        Catalog(database).ensure_indexes()
        yield database
        client.drop_database(database)


@pytest.fixture
def database(_database: Database[dict[str, Any]]) -> Database[dict[str, Any]]:
    """The empty database behind ``catalog``."""
    for name in _database.list_collection_names():
        _database[name].delete_many({})
    return _database


@pytest.fixture
def catalog(database: Database[dict[str, Any]]) -> Catalog:
    """An empty catalog whose clock ticks."""
    ticks = _ticking()
    catalog = Catalog(database, clock=lambda: next(ticks))
    catalog.namespaces.ensure_default()
    return catalog


@pytest.fixture
def speeches(catalog: Catalog) -> CollectionRecord:
    """A registered collection."""
    wanted = {"collection_name": "speeches", "source_bucket_ids": ["bkt_2", "bkt_1"]}
    return catalog.collections.register(LOCAL, validate(RegisterCollectionRequest, wanted))
