"""Dagster's web server and daemon as one child process that ends with its parent."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from clustering_pipeline.defs.instance.event_log import BATCHES
from clustering_pipeline.defs.instance.home import dagster_home, open_instance
from clustering_pipeline.defs.instance.queue_launcher import MODULE, say_that_it_ended
from clustering_pipeline.local.stack.spawn import is_listening, spawn_bound
from clustering_pipeline.logs import VARIABLE
from clustering_pipeline.model.errors import LocalStackUnavailable
from clustering_pipeline.settings import Settings

START_SECONDS = 90.0
STOP_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DagsterDev:
    """A running ``dagster dev``."""

    url: str
    log: Path
    process: subprocess.Popen[bytes]

    def wait(self) -> None:
        """Returns when the process ends by itself, which it never should."""
        self.process.wait()
        raise _ended(self.log, self.process.returncode)


@contextmanager
def running_dagster(settings: Settings, *, port: int) -> Generator[DagsterDev]:
    """Starts the UI and the daemon on 127.0.0.1, waits until the UI answers, and ends both."""
    _require_free(port)
    dagster = _start(settings, port)
    try:
        _wait_until_up(dagster)
        yield dagster
    finally:
        _stop(dagster.process)
        say_that_it_ended(dagster_home(settings))


def _start(settings: Settings, port: int) -> DagsterDev:
    home = dagster_home(settings)
    # Its processes would make their tables beside a command that opens the same home.
    open_instance(home).dispose()
    log = home / "dagster-dev.log"
    command = ["-m", "dagster", "dev", "-m", MODULE, "-h", "127.0.0.1", "-p", str(port)]
    command += ["--log-format", "json"] if settings.log == "json" else []
    own = {
        "DAGSTER_HOME": str(home),
        "CLUSTERING_DATA_DIR": str(settings.data_dir),
        VARIABLE: settings.log,
    }
    process = spawn_bound(
        [sys.executable, *command],
        output=log,
        environment=BATCHES | os.environ | own,
        # Dagster started in the background ignores SIGTERM.
        farewell=signal.SIGINT,
    )
    return DagsterDev(url=f"http://127.0.0.1:{port}", log=log, process=process)


def _require_free(port: int) -> None:
    # Whoever answers there would be taken for the Dagster that we start.
    if is_listening(port):
        message = f"port {port} is taken; choose another with --port"
        raise LocalStackUnavailable(message)


def _wait_until_up(dagster: DagsterDev) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if dagster.process.poll() is not None:
            raise _ended(dagster.log, dagster.process.returncode)
        if _answers(f"{dagster.url}/server_info"):
            return
        time.sleep(0.25)
    message = (
        f"Dagster did not answer on {dagster.url} within {START_SECONDS:.0f} s; see {dagster.log}"
    )
    raise LocalStackUnavailable(message)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - an http address of our own
            return True
    except (urllib.error.URLError, OSError):
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _ended(log: Path, code: int) -> LocalStackUnavailable:
    last = log.read_text(errors="replace").strip().splitlines()[-1:] or ["no output"]
    message = f"Dagster ended with code {code} ({last[0].strip()}); see {log}"
    return LocalStackUnavailable(message)
