"""The embedded stack as processes see it: shared, and gone after the last of them."""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import psutil
import pytest
from pymongo import MongoClient
from qdrant_client import QdrantClient, models

from clustering_pipeline.local.stack import leases
from clustering_pipeline.local.stack.client import Stack, attach, detach, find
from clustering_pipeline.local.stack.services import MONGODB, QDRANT
from clustering_pipeline.local.stack.spawn import is_listening
from clustering_pipeline.local.stack.supervisor import stack_folder, supervise
from clustering_pipeline.model.errors import LocalStackUnavailable
from clustering_pipeline_tests.local.processes import ends, eventually

GRACE = 0.5
ATTACH = f"""
import json, sys
from pathlib import Path
from clustering_pipeline.local.stack.client import attach
stack = attach(Path(sys.argv[1]), services=sys.argv[2:], journal=False, grace={GRACE})
print(json.dumps([stack.pid, stack.mongodb_uri, stack.qdrant_url]), flush=True)
sys.stdin.read()
"""
FORK = f"""
import os, sys
from pathlib import Path
from clustering_pipeline.local.stack.client import attach
before = attach(Path(sys.argv[1]), services=["qdrant"], grace={GRACE})
if os.fork() == 0:
    os._exit(0 if attach(Path(sys.argv[1]), services=["qdrant"]) == before else 1)
code = os.waitstatus_to_exitcode(os.wait()[1])
sys.exit(code or attach(Path(sys.argv[1]), services=["qdrant"]) != before)
"""


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A data directory whose path is longer than the address of a socket may be."""
    path = tmp_path / ("long Ünïcode " * 12)
    yield path
    stack = find(path)
    detach(path)
    if stack is not None:
        assert ends(psutil.Process(stack.pid))


def attach_here(data_dir: Path, *services: str) -> Stack:
    return attach(data_dir, services=services, journal=False, grace=GRACE)


def client_process(data_dir: Path, *services: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", ATTACH, str(data_dir), *services],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def answer(process: subprocess.Popen) -> Stack:
    pid, mongodb_uri, qdrant_url = json.loads(process.stdout.readline())
    return Stack(data_dir=Path(), pid=pid, mongodb_uri=mongodb_uri, qdrant_url=qdrant_url)


def qdrant_client(stack: Stack) -> QdrantClient:
    port = int(stack.qdrant_url.rpartition(":")[2])
    return QdrantClient(
        host="127.0.0.1", grpc_port=port, prefer_grpc=True, check_compatibility=False
    )


def family(pid: int) -> list[psutil.Process]:
    """A supervisor and its children."""
    supervisor = psutil.Process(pid)
    return [supervisor, *supervisor.children(recursive=True)]


def test_processes_that_attach_at_once_share_one_stack(data_dir):
    processes = [client_process(data_dir, MONGODB, QDRANT) for _ in range(3)]
    stacks = [answer(process) for process in processes]
    assert stacks[1:] == stacks[:1] * 2
    servers = family(stacks[0].pid)
    assert [server.name() for server in servers[1:]] == ["mongod"]
    for process in processes[1:]:
        process.communicate()
    assert find(data_dir).pid == stacks[0].pid
    processes[0].communicate()
    assert [ends(server) for server in servers] == [True, True]


def test_a_stack_ends_after_its_last_user_was_killed(data_dir):
    with client_process(data_dir, MONGODB, QDRANT) as process:
        servers = family(answer(process).pid)
        process.kill()
    assert [ends(server) for server in servers] == [True, True]
    assert find(data_dir) is None
    assert not (stack_folder(data_dir) / "stack.json").exists()


def test_a_killed_supervisor_takes_its_servers_along_and_the_next_one_has_the_data(data_dir):
    stack = attach_here(data_dir, MONGODB, QDRANT)
    with MongoClient(stack.mongodb_uri) as mongo:
        mongo.db.things.insert_one({"_id": 1})
    client = qdrant_client(stack)
    client.create_collection(
        "c", vectors_config=models.VectorParams(size=2, distance=models.Distance.DOT)
    )
    client.upsert("c", [models.PointStruct(id=1, vector=[1, 2])])
    client.close()
    servers = family(stack.pid)
    os.kill(stack.pid, signal.SIGKILL)
    assert [ends(server) for server in servers] == [True, True]
    # What it left behind still names the dead one.
    assert json.loads((stack_folder(data_dir) / "stack.json").read_text())["pid"] == stack.pid
    assert find(data_dir) is None
    with pytest.raises(LocalStackUnavailable, match=r"is gone; run the command again"):
        stack.check()

    again = attach_here(data_dir, MONGODB, QDRANT)
    again.check()
    assert again.pid != stack.pid
    with MongoClient(again.mongodb_uri) as mongo:
        assert mongo.db.things.count_documents({}) == 1
    client = qdrant_client(again)
    assert client.count("c").count == 1
    client.close()


def test_a_killed_supervisor_loses_no_acknowledged_write(data_dir):
    stack = attach_here(data_dir, QDRANT)
    client = qdrant_client(stack)
    client.create_collection(
        "c", vectors_config=models.VectorParams(size=2, distance=models.Distance.DOT)
    )
    acknowledged = 0
    with pytest.raises(grpc.RpcError):  # noqa: PT012 - the last write of a loop fails
        while True:
            if acknowledged == 300:
                os.kill(stack.pid, signal.SIGKILL)
            client.upsert("c", [models.PointStruct(id=acknowledged, vector=[1, 2], payload={})])
            client.set_payload("c", {"n": acknowledged}, [acknowledged])
            acknowledged += 1
    client.close()
    client = qdrant_client(attach_here(data_dir, QDRANT))
    kept = {record.id: record.payload for record in client.scroll("c", limit=10_000)[0]}
    client.close()
    assert acknowledged >= 300
    assert {number: kept.get(number) for number in range(acknowledged)} == {
        number: {"n": number} for number in range(acknowledged)
    }


def test_only_what_is_asked_for_starts(data_dir):
    first = attach_here(data_dir, QDRANT)
    assert (first.mongodb_uri, len(family(first.pid))) == (None, 1)
    second = attach_here(data_dir, MONGODB)
    assert (second.pid, second.qdrant_url) == (first.pid, first.qdrant_url)
    assert second.mongodb_uri.startswith("mongodb://127.0.0.1:")


def test_a_mongod_that_died_is_started_again(data_dir):
    stack = attach_here(data_dir, MONGODB)
    family(stack.pid)[1].kill()
    port = int(stack.mongodb_uri.rpartition(":")[2].partition("/")[0])
    assert eventually(lambda: not is_listening(port))
    again = attach_here(data_dir, MONGODB)
    assert again.pid == stack.pid
    with MongoClient(again.mongodb_uri) as client:
        assert client.admin.command("ping") == {"ok": 1.0}


def test_a_service_that_cannot_start_leaves_the_stack_to_others(data_dir, tmp_path):
    stack = attach_here(data_dir, QDRANT)
    with pytest.raises(LocalStackUnavailable, match="CLUSTERING_MONGOD names"):
        attach(data_dir, services=[MONGODB], mongod=tmp_path / "nothing")
    stack.check()


def test_a_signal_ends_the_stack_cleanly(data_dir):
    stack = attach_here(data_dir, MONGODB, QDRANT)
    servers = family(stack.pid)
    os.kill(stack.pid, signal.SIGTERM)
    assert [ends(server) for server in servers] == [True, True]
    assert '"exitCode":0' in (stack_folder(data_dir) / "mongodb" / "mongod.log").read_text()
    assert not (stack_folder(data_dir) / "stack.json").exists()


def test_a_deleted_data_directory_starts_anew(data_dir):
    stack = attach_here(data_dir, QDRANT)
    supervisor = psutil.Process(stack.pid)
    shutil.rmtree(data_dir)
    again = attach_here(data_dir, QDRANT)
    assert again.pid != stack.pid
    client = qdrant_client(again)
    assert client.get_collections().collections == []
    client.close()
    assert ends(supervisor)


def test_a_fork_has_a_lease_of_its_own(data_dir):
    subprocess.run([sys.executable, "-c", FORK, str(data_dir)], check=True)


def test_nonsense_on_the_socket_disturbs_nobody(data_dir):
    stack = attach_here(data_dir, QDRANT)
    for nonsense in (b"hello\n", b'{"need": ["cake"]}\n', b"[]\n"):
        with socket.socket(socket.AF_UNIX) as stranger:
            stranger.connect(leases.address(data_dir))
            stranger.sendall(nonsense)
            stranger.recv(1000)
    stack.check()


def test_a_data_directory_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(LocalStackUnavailable, match="set CLUSTERING_DATA_DIR elsewhere"):
        attach(tmp_path / "file" / "data")


def test_a_directory_held_by_somebody_out_of_reach_is_named(tmp_path):
    folder = stack_folder(tmp_path)
    folder.mkdir()
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(LocalStackUnavailable, match="in use by a stack this process cannot"):
            supervise(tmp_path, grace=GRACE, patience=0.1)


def test_a_supervisor_that_fails_is_quoted(tmp_path):
    (stack_folder(tmp_path) / "lock").mkdir(parents=True)
    with pytest.raises(LocalStackUnavailable, match=r"did not start(.|\n)*IsADirectoryError"):
        attach(tmp_path)


def test_nothing_runs_where_nobody_attached(tmp_path):
    assert find(tmp_path) is None
    detach(tmp_path)
