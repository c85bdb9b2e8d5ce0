"""MongoDB down, frozen, restarted, or behind an address that leads nowhere."""

import os
import signal
import time

import pytest

from clustering_pipeline.local.stack.mongod import find_mongod, start_mongod
from clustering_pipeline.local.stack.spawn import free_port
from clustering_pipeline.model.errors import CatalogUnavailable
from clustering_pipeline.stores.catalog import Catalog
from clustering_pipeline.stores.catalog.table import address_of

QUICK_MS = 1000


def refusal(work):
    """The error that ``work`` ends with, and the seconds it took."""
    began = time.monotonic()
    with pytest.raises(CatalogUnavailable) as refused:
        work()
    return refused.value, time.monotonic() - began


@pytest.fixture
def server(tmp_path):
    """A mongod of the test's own, to be ended."""
    server = start_mongod(find_mongod(), tmp_path / "db", journal=False)
    yield server
    server.process.send_signal(signal.SIGCONT)
    server.stop()


def test_nobody_there_is_told_within_ten_seconds_and_without_the_password():
    uri = f"mongodb://me:secret@127.0.0.1:{free_port()}/?authSource=admin"
    error, seconds = refusal(lambda: Catalog.connect(uri, "x"))
    assert error.message == (
        f"the catalog does not answer: no MongoDB at {address_of(uri)}; is it running?"
    )
    assert "secret" not in repr(error)
    assert seconds < 10


@pytest.mark.parametrize(
    "uri",
    [
        "localhost:27017",
        "mongodb://",
        "http://user:secret@host",
        "mongodb://user:sec/ret@host",
        "mongodb://user:secret@host:port",
        "mongodb://user:secret@host/?w=sometimes",
    ],
)
def test_an_address_that_cannot_be_read_is_told_without_the_password(uri):
    error, seconds = refusal(lambda: Catalog.connect(uri, "x", timeout_ms=QUICK_MS))
    assert "sec" not in error.message
    assert seconds < 10


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("mongodb://h:1", "mongodb://h:1"),
        ("mongodb://u:p@h:1/db?x=p", "mongodb://h:1/db"),
        ("mongodb://u:p@ss@h:1,h:2/", "mongodb://h:1,h:2"),
        ("mongodb+srv://u:p@cluster.example.org", "mongodb+srv://cluster.example.org"),
    ],
)
def test_addresses_are_shown_without_who_and_how(uri, address):
    assert address_of(uri) == address


def test_wrong_credentials_are_told(mongodb_uri):
    # Without access control the server still checks a name it is given.
    uri = mongodb_uri.replace("mongodb://", "mongodb://me:secret@")
    error, _ = refusal(lambda: Catalog.connect(uri, "x", timeout_ms=QUICK_MS))
    assert error.message.startswith("the catalog refuses us: MongoDB at mongodb://127.0.0.1:")
    assert "secret" not in error.message


def answered(ask):
    """What a server says that has only just come back, on a machine that may be busy."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return ask()
        except CatalogUnavailable:
            assert time.monotonic() < deadline
            time.sleep(0.2)


def test_a_server_that_ends_is_told_and_one_that_returns_is_used(server, tmp_path):
    catalog = Catalog.connect(server.uri, "x", timeout_ms=QUICK_MS)
    server.stop()
    error, seconds = refusal(catalog.clusters.ids)
    assert "no MongoDB at mongodb://127.0.0.1:" in error.message
    assert seconds < 10
    again = start_mongod(
        find_mongod(), tmp_path / "db", journal=False, choose_port=lambda: server.port
    )
    assert answered(catalog.clusters.ids) == []
    catalog.close()
    again.stop()


def test_a_server_that_hangs_is_told(server):
    catalog = Catalog.connect(server.uri, "x", timeout_ms=QUICK_MS)
    server.process.send_signal(signal.SIGSTOP)
    os.waitpid(server.process.pid, os.WUNTRACED)  # it may answer once more until it stands still
    _, seconds = refusal(catalog.clusters.ids)
    assert seconds < 10
    server.process.send_signal(signal.SIGCONT)
    assert answered(catalog.clusters.ids) == []
    catalog.close()
