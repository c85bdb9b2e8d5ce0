"""The real daemon killed at each of its crash points, and its run workers at the assets.

One run for each due definition, every batch covered, nothing published half.  The tables of the
points are printed: ``pytest -rP`` shows them.
"""

import inspect
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

import dagster as dg
import pytest
from dagster._daemon import sensor

from clustering_pipeline.defs.instance.runs import unfinished
from clustering_pipeline.local.stack.client import Stack
from clustering_pipeline.pipeline.stages.table import STAGES
from clustering_pipeline_tests.automation.batched import HEAD, Ingestion, Subject, ingesting
from clustering_pipeline_tests.sizes import FULL

PROGRAM = "clustering_pipeline_tests.defs.dying_daemon"
KILLED = -signal.SIGKILL

# Those that Dagster's own tests kill its sensor daemon at, in the order in which it passes them.
ALL = [
    "TICK_CREATED",
    "TICK_HELD",
    "AUTOMATION_EVALUATIONS_ADDED",
    "RUN_IDS_RESERVED",
    "RUN_CREATED",
    "RUN_LAUNCHED",
    "RUN_IDS_ADDED_TO_EVALUATIONS",
]
# Where the runs of a definition die: the first one, then the retry of a crashed worker that Dagster
# makes; after that the definition is due again.
IN_CI = [("RUN_CREATED", ["assignments begun", "published done"])]
CRASHES = [(point, []) for point in ALL] if FULL else IN_CI

# Of the definition that writes onto its documents, then of the one with an output collection.
DEATHS = [
    *(([f"{one.name} begun"], [f"{one.name} done"]) for one in STAGES[:-1]),
    (["enriched_documents begun"], ["cluster_labels done", "published begun"]),
    (["published done", "enriched_documents done"], ["definition begun", "published done"]),
]
SECONDS = 6  # from a look to the next


@dataclass(kw_only=True)
class Daemon:
    """The program, and the world that it shares with the test."""

    there: Ingestion
    process: subprocess.Popen[str]
    seconds: Iterator[int] = field(default_factory=lambda: count(step=SECONDS))

    def look(self, *crash_point: str) -> int:
        return self._do("look", str(next(self.seconds)), *crash_point)

    def work(self, subject: Subject) -> int:
        """The worker of the one run that waits for the definition."""
        (run,) = [one for one in subject.runs() if one.status is dg.DagsterRunStatus.QUEUED]
        return self._do("work", run.run_id)

    def _do(self, *words: str) -> int:
        assert self.process.stdin
        assert self.process.stdout
        print(*words, file=self.process.stdin, flush=True)
        return int(self.process.stdout.readline())


@pytest.fixture(scope="module")
def daemon(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    folder = tmp_path_factory.mktemp("daemon")
    with ingesting(stack, folder) as there, (folder / "log").open("wb") as log:
        command = [sys.executable, "-m", PROGRAM]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": log}
        own = os.environ | there.environment
        with subprocess.Popen(command, env=own, text=True, **pipes) as process:
            yield Daemon(there=there, process=process)


def test_these_are_all_crash_points_of_the_daemon():
    named = re.findall(r'check_for_debug_crash\(\s*\w+, "(\w+)"', inspect.getsource(sensor))
    assert sorted(named) == sorted(ALL)


@pytest.mark.parametrize(("point", "deaths"), CRASHES)
def test_a_daemon_killed_in_its_look_makes_one_run_for_each_due_definition(daemon, point, deaths):
    (subject,) = daemon.there.land(deaths)
    assert daemon.look(point) == KILLED
    subject.check_readers()
    see_through(daemon, [subject])
    show([f"{'daemon killed at':30} {HEAD}", f"{point:30} {subject.check_runs()}"])
    assert daemon.there.seen().lagging == []


if FULL:

    def test_runs_that_die_at_an_asset_are_made_up_for_once(daemon):
        subjects = [one for pair in DEATHS for one in daemon.there.land(*pair)]
        see_through(daemon, subjects)
        show([HEAD, *(one.check_runs() for one in subjects)])
        assert daemon.there.seen().lagging == []


def see_through(daemon: Daemon, subjects: Sequence[Subject]) -> None:
    """The runs of the batch; then the retries; then the runs of definitions that are due again."""
    for place in range(1 + max(len(one.deaths) for one in subjects)):
        left = [one for one in subjects if len(one.deaths) >= place]
        assert daemon.look() == 0
        if place == 2:
            assert unfinished(daemon.there.world.instance) == []
            for one in left:
                one.shorten_the_wait()
            assert daemon.look() == 0
        waiting = {one.tags["dagster/partition"] for one in unfinished(daemon.there.world.instance)}
        assert waiting == {one.cluster_id for one in left}
        for one in left:
            assert daemon.work(one) == (KILLED if len(one.deaths) > place else 0)
        check_readers(subjects)


def check_readers(subjects: Sequence[Subject]) -> None:
    for one in subjects:
        one.check_readers()


def show(rows: Sequence[str]) -> None:
    print("\n".join(["", *rows]))  # noqa: T201 - asked for
