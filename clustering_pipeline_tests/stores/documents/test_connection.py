import threading
import time

import pytest

from clustering_pipeline.local.qdrant.server import QdrantServer
from clustering_pipeline.model.errors import DocumentsUnavailable
from clustering_pipeline.stores.documents import Documents
from clustering_pipeline.stores.documents.connection import open_client


@pytest.mark.parametrize(
    ("url", "target", "tls"),
    [
        ("grpc://10.0.0.1:7000", ("10.0.0.1", 7000), False),
        ("grpcs://host", ("host", 6334), True),
        ("http://localhost:6333", ("localhost", 6334), False),
        ("http://localhost", ("localhost", 6334), False),
        ("https://x.cloud.example:6333", ("x.cloud.example", 6334), True),
        ("http://host:16334", ("host", 16334), False),
        ("host:6334", ("host", 6334), False),
    ],
)
def test_an_address_says_where_grpc_is(url, target, tls):
    client = open_client(url)
    options = client.init_options
    assert ((options["host"], options["grpc_port"]), options["https"]) == (target, tls)
    client.close()


def test_a_server_that_is_down_is_named_after_bounded_retries():
    documents = Documents.connect("grpc://127.0.0.1:9", patience=1.0)
    started = time.monotonic()
    with pytest.raises(DocumentsUnavailable) as refused:
        documents.points("any")
    assert time.monotonic() - started < 5
    assert "Qdrant at grpc://127.0.0.1:9 did not answer" in refused.value.message
    assert "CLUSTERING_QDRANT_URL" in refused.value.message
    documents.close()


def test_a_server_that_comes_back_is_waited_for(tmp_path):
    server = QdrantServer(tmp_path)
    documents = Documents.connect(server.url)
    documents.create_collection("kept", {"text": 2})
    waits: list[bool] = []
    documents.waiting = lambda: waits.append(True)
    server.stop()
    restarted: list[QdrantServer] = []

    def restart():
        time.sleep(0.5)
        restarted.append(QdrantServer(tmp_path, port=server.port))

    thread = threading.Thread(target=restart)
    thread.start()
    assert documents.points("kept") == 0
    thread.join()
    documents.close()
    restarted[0].stop()
    assert waits == [True]


def test_an_address_is_asked_for_once_and_when_it_is_needed(qdrant_url):
    asked = []
    unused, documents = [
        Documents.connect(lambda: asked.append("url") or qdrant_url) for _ in range(2)
    ]
    unused.close()
    assert asked == []
    documents.collections()
    assert documents.address == qdrant_url
    documents.close()
    assert asked == ["url"]
