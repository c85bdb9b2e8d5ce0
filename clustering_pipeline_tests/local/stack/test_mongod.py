import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from pymongo import MongoClient

from clustering_pipeline.local.stack import mongod
from clustering_pipeline.local.stack.mongod import find_mongod, start_mongod
from clustering_pipeline.local.stack.spawn import free_port
from clustering_pipeline.model.errors import LocalStackUnavailable
from clustering_pipeline_tests.local.processes import ends

SPAWN_AND_STAY = """
import sys, time
from pathlib import Path
from clustering_pipeline.local.stack.spawn import spawn_bound
child = spawn_bound([sys.executable, "-c", "import time; time.sleep(60)"], output=Path(sys.argv[1]))
print(child.pid, flush=True)
time.sleep(60)
"""


def program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_it_starts_answers_and_stops(tmp_path):
    server = start_mongod(find_mongod(), tmp_path, journal=False)
    with MongoClient(server.uri) as client:
        client.db.things.insert_one({"a": 1})
    server.stop()
    assert server.process.returncode == 0
    again = start_mongod(find_mongod(), tmp_path, journal=False)
    with MongoClient(again.uri) as client:
        assert client.db.things.count_documents({}) == 1
    again.stop()


def test_a_port_that_was_taken_meanwhile_is_not_used(tmp_path, mongodb_uri):
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        other_mongod = int(mongodb_uri.rpartition(":")[2].partition("/")[0])
        ports = iter([other_mongod, stranger.getsockname()[1], free_port()])
        server = start_mongod(
            find_mongod(), tmp_path, journal=False, choose_port=lambda: next(ports)
        )
    server.stop()
    assert list(ports) == []


def test_a_directory_in_use_is_named(tmp_path):
    server = start_mongod(find_mongod(), tmp_path, journal=False)
    with pytest.raises(LocalStackUnavailable, match=r"DBPathInUse.*Another mongod instance"):
        start_mongod(find_mongod(), tmp_path, journal=False)
    server.stop()


def test_a_missing_shared_library_is_named(tmp_path):
    broken = program(
        tmp_path / "mongod",
        "echo 'mongod: error while loading shared libraries: libcurl.so.4: cannot open shared"
        " object file' >&2; exit 127",
    )
    with pytest.raises(LocalStackUnavailable, match=r"libcurl\.so\.4.*apt-get install libcurl4"):
        start_mongod(broken, tmp_path / "db")


def test_a_program_that_ends_at_once_is_quoted(tmp_path):
    broken = program(tmp_path / "mongod", "echo illegal instruction; exit 132")
    with pytest.raises(LocalStackUnavailable, match=r"exit code 132(.|\n)*illegal instruction"):
        start_mongod(broken, tmp_path / "db")


def test_the_named_binary_comes_first(tmp_path):
    named = program(tmp_path / "mongod", "exit 0")
    assert find_mongod(named) == named
    with pytest.raises(LocalStackUnavailable, match=r"CLUSTERING_MONGOD names .*nothing.*unset it"):
        find_mongod(tmp_path / "nothing")


def test_without_any_binary_the_platform_and_the_fix_are_named():
    fix = r"no mongod for Linux \w+ .*\[embedded\].*CLUSTERING_MONGODB_URI"
    with pytest.raises(LocalStackUnavailable, match=fix):
        find_mongod(places=[lambda: None])


def test_the_first_place_that_has_one_wins(tmp_path):
    places = [lambda: None, lambda: tmp_path / "path", lambda: tmp_path / "wheel"]
    assert find_mongod(places=places) == tmp_path / "path"


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_other_platforms_are_told_what_to_do(platform):
    with pytest.raises(LocalStackUnavailable, match="set CLUSTERING_MONGODB_URI"):
        mongod.check_platform(platform)


def test_a_child_ends_with_a_parent_that_is_killed(tmp_path):
    command = [sys.executable, "-c", SPAWN_AND_STAY, str(tmp_path / "out")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    assert ends(child)
