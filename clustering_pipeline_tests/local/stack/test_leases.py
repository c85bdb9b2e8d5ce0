import socket
from pathlib import Path

import pytest

from clustering_pipeline.local.atomic import write_atomically
from clustering_pipeline.local.stack import leases


@pytest.fixture
def pair():
    """Both ends of a connection."""
    here, there = socket.socketpair()
    with here, there:
        yield here, there


def test_messages_arrive_whole_however_they_are_cut(pair):
    here, there = pair
    inbox = leases.Inbox(there)
    here.sendall(b'{"a": 1}\n{"b":')
    assert inbox.receive() == [{"a": 1}]
    here.sendall(b' "\xc3')
    assert inbox.receive() == []
    here.sendall(b'\xbc"}\n')
    assert inbox.receive() == [{"b": "ü"}]
    leases.send(here, {"c": None})
    assert inbox.receive() == [{"c": None}]


def test_the_end_and_nonsense_both_end_a_conversation(pair):
    here, there = pair
    inbox = leases.Inbox(there)
    here.sendall(b"nonsense\n")
    assert inbox.receive() is None
    here.close()
    assert inbox.receive() is None


def test_an_address_fits_however_long_the_path():
    long, longer = (leases.address(Path("/") / ("x" * length)) for length in (200, 201))
    assert long != longer
    assert len(long) < 100


def test_both_ends_belong_to_this_user(pair):
    assert [leases.is_ours(end) for end in pair] == [True, True]


def test_a_file_is_replaced_and_leaves_no_draft(tmp_path):
    path = tmp_path / "file.json"
    for content in ("old", "nëw"):
        write_atomically(path, content)
    assert path.read_text(encoding="utf-8") == "nëw"
    assert list(tmp_path.iterdir()) == [path]
