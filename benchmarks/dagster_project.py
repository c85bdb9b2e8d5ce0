"""The project in ``examples/dagster_project`` in every way that it is run, and killed.

python benchmarks/dagster_project.py                         every row
python benchmarks/dagster_project.py --times 1 --often 2     a smaller try

Who starts it (``dg launch --assets``, ``--job``, the UI's Materialize, a schedule), how its steps
run (in one process, in one each), and beside what (``clustering-pipeline up``, or nothing).  Each
row is a line of JSON: of so many runs, how many completed and left the definition free.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from argparse import ArgumentParser
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import polars as pl
import psutil

from clustering_pipeline.defs.instance.home import open_instance
from clustering_pipeline.local.connect import open_pipeline
from clustering_pipeline.local.stack.spawn import is_listening, spawn_bound
from clustering_pipeline.model.errors import ClusterNotFound
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.settings import Settings

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
MODULE = "topics_project.definitions"
ASSETS = 'key:"topics/*"'
PATIENCE = 1800.0  # seconds
LOCATION = {"repositoryLocationName": MODULE, "repositoryName": "__repository__"}
MATERIALIZE = """
mutation ($params: ExecutionParams!) {
  launchPipelineExecution(executionParams: $params) {
    ... on LaunchRunSuccess { run { runId } }
    ... on Error { message }
  }
}
"""
START = """
mutation ($selector: ScheduleSelector!) {
  startSchedule(scheduleSelector: $selector) {
    ... on ScheduleStateResult { scheduleState { id } }
  }
}
"""
STOP = "mutation ($id: String!) { stopRunningSchedule(id: $id) { __typename } }"
IN_PROCESS = "import dagster as dg\n\ndefs = dg.Definitions(executor=dg.in_process_executor)\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A copy of the project, its stores, and a Dagster home of its own."""

    folder: Path
    pipeline: Pipeline

    @property
    def project(self) -> Path:
        return self.folder / "dagster_project"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "CLUSTERING_DATA_DIR": str(self.folder / "data"),
            "DAGSTER_HOME": str(self.home),
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(self.project / "src")]),
            "SPEECHES": str(self.folder / "speeches.parquet"),
        }

    def executes(self, executor: str) -> None:
        """What the project says of its steps; a process each is Dagster's default."""
        file = self.project / "src" / "topics_project" / "defs" / "executor.py"
        file.unlink(missing_ok=True)
        if executor == "in process":
            file.write_text(IN_PROCESS)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """One ``dg`` command."""
        with (self.folder / "dg.log").open("ab") as log:
            return subprocess.Popen(
                [BIN / "dg", *arguments],
                cwd=self.project,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def launch(self, *arguments: str) -> bool:
        return self.start("launch", *arguments).wait(PATIENCE) == 0

    def held(self) -> str | None:
        """The run that holds the definition."""
        with suppress(ClusterNotFound):
            claim = self.pipeline.catalog.clusters.get(LOCAL, "topics").claim
            return claim.run_id if claim else None
        return None

    def published(self) -> str | None:
        with suppress(ClusterNotFound):
            return self.pipeline.catalog.clusters.get(LOCAL, "topics").state.last_run_id
        return None

    def status(self, run_id: str) -> str:
        return self.pipeline.catalog.executions.by_id(run_id).status.value


@contextmanager
def ground() -> Generator[Ground]:
    """A fresh one; its stack ends with it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        shutil.copytree(ROOT / "examples" / "dagster_project", folder / "dagster_project")
        (folder / "home").mkdir()
        text = "telemetry: {enabled: false}\nnux: {enabled: false}\n"
        (folder / "home" / "dagster.yaml").write_text(text)
        _documents().write_parquet(folder / "speeches.parquet")
        with open_pipeline(Settings(data_dir=folder / "data")) as pipeline:
            yield Ground(folder=folder, pipeline=pipeline)


def _documents() -> pl.DataFrame:
    directions = np.repeat(np.eye(16), 10, axis=0)
    vectors = directions + np.random.default_rng(0).normal(0, 0.05, directions.shape)
    return pl.DataFrame(
        {
            "document_id": [f"d{row}" for row in range(len(vectors))],
            "text": [f"subject {row // 10}" for row in range(len(vectors))],
            "embedding": vectors.astype(np.float32),
        }
    )


@contextmanager
def server(
    on: Ground, command: Sequence[str], port: int, log: str
) -> Generator[subprocess.Popen[bytes]]:
    """A server of the project's or of ours, until it has been used."""
    process = spawn_bound(
        command, output=on.folder / log, environment=on.environment, farewell=signal.SIGINT
    )
    try:
        _wait(lambda: is_listening(port), "the server")
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(90)


@contextmanager
def up(on: Ground) -> Generator[None]:
    """``clustering-pipeline up`` over the same stores, in its own Dagster home."""
    ui, api = _port(), _port()
    command = [BIN / "clustering-pipeline", "up", "--port", str(ui), "--api-port", str(api)]
    own = Ground(folder=on.folder, pipeline=on.pipeline)
    environment = {name: value for name, value in own.environment.items() if name != "DAGSTER_HOME"}
    process = spawn_bound(
        [str(word) for word in command],
        output=on.folder / "up.log",
        environment=environment,
        farewell=signal.SIGINT,
    )
    try:
        _wait(lambda: is_listening(ui) and is_listening(api), "up")
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(90)


def _port() -> int:
    # Below those that connections and the servers of the stack take by themselves.
    return next(
        port for port in random.sample(range(20_000, 30_000), 100) if not is_listening(port)
    )


def _wait(holds: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            message = f"{what} did not come"
            raise TimeoutError(message)
        time.sleep(0.3)


def ask(port: int, query: str, **variables: object) -> dict[str, Any]:
    """What the UI's server answers."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        return json.loads(answer.read())["data"]


def succeeded(on: Ground, run_id: str) -> bool:
    """Whether the Dagster run of the project's home did, when it has ended."""
    with open_instance(on.home) as instance:

        def ended() -> bool:
            run = instance.get_run_by_id(run_id)
            return run is not None and run.is_finished

        _wait(ended, run_id)
        run = instance.get_run_by_id(run_id)
        return run is not None and run.status is dg.DagsterRunStatus.SUCCESS


def materialize(on: Ground, port: int) -> bool:
    """What the UI's button does."""
    stages = ("definition", "embeddings", "reduced_embeddings", "assignments")
    others = ("cluster_summaries", "cluster_labels", "published")
    chosen = [{"path": ["topics", stage]} for stage in (*stages, *others)]
    selector = LOCATION | {"pipelineName": "__ASSET_JOB", "assetSelection": chosen}
    answer = ask(port, MATERIALIZE, params={"selector": selector, "mode": "default"})
    return succeeded(on, answer["launchPipelineExecution"]["run"]["runId"])


def tick(on: Ground, port: int) -> bool:
    """One tick of the schedule, which is every minute here."""
    selector = LOCATION | {"scheduleName": "weekly_schedule"}
    with open_instance(on.home) as instance:
        before = {run.run_id for run in instance.get_runs(dg.RunsFilter(job_name="weekly"))}
        state = ask(port, START, selector=selector)["startSchedule"]["scheduleState"]["id"]

        def made() -> set[str]:
            runs = instance.get_runs(dg.RunsFilter(job_name="weekly"))
            return {run.run_id for run in runs} - before

        _wait(made, "a tick")
        ask(port, STOP, id=state)
        return all(succeeded(on, run_id) for run_id in made())


def row(on: Ground, times: int, run: Callable[[], bool], **what: str) -> None:
    """So many runs, and how they went."""
    completed, seconds = 0, []
    for _ in range(times):
        before, started = on.published(), time.monotonic()
        try:
            done = run()
        except (TimeoutError, OSError, KeyError, TypeError) as error:
            what["problem"], done = repr(error)[:200], False
        seconds.append(round(time.monotonic() - started, 1))
        completed += bool(done and on.held() is None and on.published() != before)
    print(json.dumps({**what, "runs": times, "completed": completed, "seconds": seconds}))
    sys.stdout.flush()


def by_hand(on: Ground, times: int, **what: str) -> None:
    """Both commands of ``dg launch``."""
    row(on, times, lambda: on.launch("--assets", ASSETS), way="dg launch --assets", **what)
    row(on, times, lambda: on.launch("--job", "weekly"), way="dg launch --job", **what)


def by_server(on: Ground, times: int, **what: str) -> None:
    """The UI's button and the schedule, with the daemon of the project."""
    weekly = on.project / "src" / "topics_project" / "defs" / "weekly.py"
    text = weekly.read_text()
    weekly.write_text(text.replace("0 6 * * 1", "* * * * *"))
    port = _port()
    source = str(on.project / "src")
    command = [sys.executable, "-m", "dagster", "dev", "-m", MODULE, "-d", source]
    command += ["-h", "127.0.0.1", "-p", str(port)]
    with server(on, command, port, "dev.log"):
        row(on, times, lambda: materialize(on, port), way="Materialize", **what)
        row(on, times, lambda: tick(on, port), way="schedule", **what)
    weekly.write_text(text)


def killed(on: Ground, *, whole: bool, **what: str) -> None:
    """A step, or all of the run, by SIGKILL; then the next execution."""
    process = on.start("launch", "--assets", ASSETS)
    _wait(lambda: on.held() or process.poll() is not None, "the run")
    run_id = on.held()
    if run_id is None:
        print(json.dumps({**what, "problem": "the run ended before it could be killed"}))
        return
    if whole:
        os.killpg(process.pid, signal.SIGKILL)
    while process.poll() is None:
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(process.pid).children(recursive=True):
                if "spawn_main" in " ".join(child.cmdline()):
                    child.kill()
        time.sleep(0.5)
    way = f"kill -9 of {'the whole run' if whole else 'a step'}, then dg launch --assets"
    row(on, 1, lambda: on.launch("--assets", ASSETS), way=way, killed=run_id, **what)
    print(json.dumps({**what, "way": way, "ended": on.status(run_id)}))


def measure(on: Ground, times: int, often: int, **what: str) -> None:
    """All rows beside one thing."""
    on.executes("a process each")
    steps = {"steps": "a process each", **what}
    by_hand(on, often, **steps)
    for whole in (False, True):
        killed(on, whole=whole, **steps)
    by_server(on, times, **steps)
    on.executes("in process")
    steps = {"steps": "in process", **what}
    by_hand(on, times, **steps)
    by_server(on, times, **steps)


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=2)
    parser.add_argument("--often", type=int, default=10, help="by hand, beside up, a process each")
    parser.add_argument("--only", choices=("up", "nothing"))
    given = parser.parse_args()
    with ExitStack() as opened:
        on = opened.enter_context(ground())
        print(json.dumps({"loaded": on.launch("--assets", 'key:"speeches"')}))
        if given.only != "nothing":
            with up(on):
                measure(on, given.times, given.often // 2, beside="up")
        if given.only != "up":
            measure(on, given.times, given.times, beside="nothing")


if __name__ == "__main__":
    main()
