from uuid import uuid4

import numpy as np
import pytest

from clustering_pipeline.stores.documents import Documents


@pytest.fixture(scope="session")
def documents(qdrant_url):
    store = Documents.connect(qdrant_url)
    yield store
    store.close()


@pytest.fixture
def fill(documents, qdrant):
    """Makes a collection of points (id, payload, vector or None) and returns its name."""

    def make(points, *, size=3, name="text", distance="Dot"):
        collection = f"documents-{uuid4().hex}"
        documents.create_collection(collection, {name: size}, distance=distance)
        for point_id, payload, vector in points:
            vectors = {} if vector is None else {name: np.array([vector], dtype=np.float32)}
            documents.upsert(collection, [point_id], vectors, [payload])
        return collection

    return make
