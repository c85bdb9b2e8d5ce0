import pytest
from qdrant_client import QdrantClient

from clustering_pipeline_tests.local.qdrant.factories import ONE_VECTOR, TWO_VECTORS


@pytest.fixture
def docs(qdrant: QdrantClient) -> str:
    """An empty collection with two named vectors."""
    qdrant.create_collection("docs", vectors_config=TWO_VECTORS)
    return "docs"


@pytest.fixture
def plain(qdrant: QdrantClient) -> str:
    """An empty collection with one vector that has no name."""
    qdrant.create_collection("plain", vectors_config=ONE_VECTOR)
    return "plain"
