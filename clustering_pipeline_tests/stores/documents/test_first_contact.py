"""The first that one hears of a server: what is wrong with the address, the key or the vectors."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from socketserver import BaseRequestHandler, TCPServer
from threading import Thread
from uuid import uuid4

import grpc
import numpy as np
import pytest
from qdrant_client import grpc as messages
from qdrant_client import models

from clustering_pipeline.local.qdrant.handlers import generic_handlers
from clustering_pipeline.local.qdrant.status import Refused
from clustering_pipeline.model.definitions.feature_uri import resolve_vector
from clustering_pipeline.model.errors import (
    DocumentsUnavailable,
    InvalidSettings,
    NameTaken,
    UnknownVector,
)
from clustering_pipeline.stores.documents import Documents
from clustering_pipeline.stores.documents.columns import payload_text

TLS = Path(__file__).with_name("tls")
"""A server's key and certificate for the name localhost, and the authority that signed it."""


def refused(url, error=DocumentsUnavailable, **options):
    documents = Documents.connect(url, patience=3.0, **options)
    with pytest.raises(error) as raised:
        documents.collections()
    documents.close()
    return raised.value.message


@contextmanager
def serving(answers, *, tls: bool = False) -> Iterator[int]:
    """A gRPC server of Qdrant's services that gives these answers; its port."""
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers(generic_handlers(answers))
    if tls:
        pair = (TLS / "server.key").read_bytes(), (TLS / "server.pem").read_bytes()
        port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
    else:
        port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(0).wait()


def answers(version="1.19.0"):
    health = messages.HealthCheckReply(title="qdrant", version=version)
    nothing = messages.ListCollectionsResponse()
    return {"Qdrant": {"HealthCheck": lambda _: health}, "Collections": {"List": lambda _: nothing}}


class Web(BaseRequestHandler):
    def handle(self):
        self.request.recv(24)
        self.request.sendall(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")


def test_a_port_that_speaks_http_is_said_to():
    with TCPServer(("127.0.0.1", 0), Web) as web:
        Thread(target=web.serve_forever, daemon=True).start()
        message = refused(f"http://127.0.0.1:{web.server_address[1]}")
        web.shutdown()
    assert "speaks HTTP at this port: give its gRPC port, usually 6334" in message


def test_a_server_of_an_own_authority_answers_those_who_name_it():
    with serving(answers(), tls=True) as port:
        url = f"grpcs://localhost:{port}"
        documents = Documents.connect(url, authority=TLS / "authority.pem")
        assert documents.collections() == []
        documents.close()
        assert "by CLUSTERING_QDRANT_CA" in refused(url)
        other = refused(f"grpcs://127.0.0.1:{port}", authority=TLS / "authority.pem")
        assert "has a certificate for another name" in other


def test_a_server_without_tls_is_not_waited_for():
    with serving(answers()) as port:
        assert "does not speak TLS at this port" in refused(f"grpcs://127.0.0.1:{port}")


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "cannot read"), ("nothing", "holds no certificate")]
)
def test_a_file_that_is_no_authority_is_named(tmp_path, content, reason):
    file = tmp_path / "authority.pem"
    if content is not None:
        file.write_text(content)
    message = refused("grpcs://localhost:1", InvalidSettings, authority=file)
    assert reason in message
    assert str(file) in message


@pytest.mark.parametrize("url", ["", "ftp://host:6334", "grpc://", "grpc://:6334"])
def test_an_address_of_another_form_is_refused_before_any_call(url):
    assert "is not of the form grpc://host:port" in refused(url, InvalidSettings)


@pytest.mark.parametrize("port", ["99999", "http", "-1"])
def test_a_port_that_is_none_is_named(port):
    message = refused(f"grpc://name:secret@localhost:{port}", InvalidSettings)
    assert f"'localhost:{port}' has no port between 0 and 65535" in message
    assert "secret" not in message


@pytest.mark.parametrize(("version", "fine"), [("1.12.6", False), ("1.13.0", True), ("2.0", True)])
def test_a_server_that_is_too_old_is_told(version, fine):
    with serving(answers(version)) as port:
        url = f"grpc://127.0.0.1:{port}"
        if fine:
            documents = Documents.connect(url)
            assert documents.collections() == []
            documents.close()
        else:
            assert f"{url} is 1.12: at least 1.13 is needed" in refused(url)


def test_a_key_that_may_only_read_is_told_what_it_lacks():
    def denied(_):
        # As a server 1.19 says it.
        raise Refused(
            grpc.StatusCode.PERMISSION_DENIED, "Forbidden: Global manage access is required"
        )

    served = answers()
    served["Collections"]["Create"] = denied
    with serving(served) as port:
        documents = Documents.connect(f"grpc://127.0.0.1:{port}", "read only")
        assert documents.collections() == []
        with pytest.raises(DocumentsUnavailable) as raised:
            documents.create_collection("any", {"v": 2})
        documents.close()
    assert raised.value.message == (
        f"the API key of Qdrant at grpc://127.0.0.1:{port} may not do this (Forbidden: Global "
        "manage access is required): set CLUSTERING_QDRANT_API_KEY to one that may write"
    )


def test_a_key_with_a_line_break_is_no_key(qdrant_url):
    assert "without line breaks" in refused(qdrant_url, api_key="a\nb")


def test_names_that_are_taken_are_named(documents, fill):
    name, alias = fill([]), f"alias-{uuid4().hex}"
    documents.set_aliases({alias: name})
    for taken in (name, alias):
        with pytest.raises(NameTaken) as raised:
            documents.create_collection(taken, {"text": 2})
        assert repr(taken) in raised.value.message
    with pytest.raises(NameTaken) as raised:
        documents.set_aliases({name: name})
    assert repr(name) in raised.value.message
    documents.set_aliases({alias: None})


def test_what_cannot_be_clustered_is_said(documents, qdrant):
    name = f"sparse-{uuid4().hex}"
    several = models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM)
    shape = models.VectorParams(size=2, distance=models.Distance.DOT, multivector_config=several)
    sparse = {"words": models.SparseVectorParams()}
    qdrant.create_collection(name, {"late": shape}, sparse_vectors_config=sparse)
    info = documents.describe(name)
    assert (info.vectors, info.unusable) == ({}, {"late": "several a point", "words": "sparse"})
    with pytest.raises(UnknownVector) as raised:
        resolve_vector("mixpeek://text@v1/late", {}, info.vectors, unusable=info.unusable)
    assert "it has: none; and what cannot be clustered: late (several a point), words (sparse)" in (
        raised.value.message
    )


@pytest.mark.parametrize("datatype", ["float32", "float16", "uint8"])
@pytest.mark.parametrize("distance", ["Cosine", "Dot"])
def test_products_are_those_of_vectors_as_they_are_kept(documents, qdrant, datatype, distance):
    name = f"kept-{uuid4().hex}"
    qdrant.create_collection(
        name,
        models.VectorParams(
            size=32, distance=models.Distance(distance), datatype=models.Datatype(datatype)
        ),
    )
    rng = np.random.default_rng(0)
    given = np.abs(rng.normal(size=(50, 32)) * (60 if datatype == "uint8" else 1))
    documents.upsert(name, range(50), {"": given.astype(np.float32)}, [{}] * 50)
    stored = {
        point.id: point.vectors[""].astype(np.float64)
        for page in documents.scroll(name, vector_names=[""])
        for point in page
    }
    direction = rng.normal(size=32).astype(np.float32)
    direction /= np.linalg.norm(direction)
    answer = documents.products(name, None, vector="", direction=direction, fields=(), named=False)
    scale = float(np.linalg.norm(answer.direction))
    for point_id, value in zip(answer.ids, answer.values, strict=True):
        vector = stored[point_id]
        length = float(np.linalg.norm(vector))
        divided = vector / length if answer.unit else vector
        most = 1e-6 * scale * (1 if answer.unit else max(length, 1))
        assert abs(float(divided @ answer.direction) - float(value)) <= most


def test_a_payload_is_the_same_text_whatever_order_its_keys_have():
    first = {"b": [{"z": 1, "ä": None}], "a": {"y": 1, "x": {"q": 1, "p": 2}}}
    second = {"a": {"x": {"p": 2, "q": 1}, "y": 1}, "b": [{"ä": None, "z": 1}]}
    text = '{"a":{"x":{"p":2,"q":1},"y":1},"b":[{"z":1,"ä":null}]}'
    assert (payload_text(first), payload_text(second)) == (text, text)
