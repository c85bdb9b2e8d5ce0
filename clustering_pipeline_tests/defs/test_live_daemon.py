"""A live daemon, and run workers that are killed at each asset: every batch is covered once.

At full size only, for a daemon and its workers take half a minute to start; the same deaths under
the same daemon, step by step, are in ``test_dying_daemon``.  The table of the points is printed:
``pytest -rP`` shows it.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from clustering_pipeline.local.stack.client import Stack
from clustering_pipeline.local.stack.spawn import spawn_bound
from clustering_pipeline.pipeline.stages.table import STAGES
from clustering_pipeline_tests.automation.batched import HEAD, Ingestion, Subject, ingesting
from clustering_pipeline_tests.sizes import FULL

LOCATION = "clustering_pipeline_tests.defs.dying_location"
PATIENCE = 280  # seconds
ASSETS = [stage.name for stage in STAGES]

# Where the runs die of the definition that writes onto its documents, and of the one that has an
# output collection.  A second death is that of Dagster's own retry, after which it is due again.
Deaths = tuple[Sequence[str], Sequence[str]]
DEATHS = [
    *(([f"{one} begun"], [f"{one} done"]) for one in ASSETS[:-1]),
    (["enriched_documents begun"], []),
    (["enriched_documents done"], ["published begun"]),
    (["published begun", "enriched_documents begun"], ["published done", "embeddings done"]),
]


@pytest.fixture
def there(stack: Stack, tmp_path: Path) -> Iterator[Ingestion]:
    with ingesting(stack, tmp_path) as found:
        yield found


@contextmanager
def daemon(there: Ingestion) -> Iterator[subprocess.Popen[bytes]]:
    """``dagster-daemon run`` over the location, with its run workers."""
    process = spawn_bound(
        [sys.executable, "-m", "dagster._daemon", "run", "-m", LOCATION],
        output=there.home / "daemon.log",
        environment=os.environ | there.environment,
        farewell=signal.SIGINT,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def wait_until_all_is_covered(
    subjects: Sequence[Subject], process: subprocess.Popen[bytes]
) -> None:
    deadline = time.monotonic() + PATIENCE
    left = list(subjects)
    while left:
        assert process.poll() is None, "the daemon has ended"
        assert time.monotonic() < deadline, [one.record().state for one in left]
        for one in left:
            one.check_readers()
            one.shorten_the_wait()
        left = [one for one in left if not one.is_covered()]
        time.sleep(0.2)


if FULL:

    @pytest.mark.parametrize("deaths", DEATHS, ids=str)
    def test_runs_that_die_at_an_asset_are_made_up_for_once(
        there: Ingestion, deaths: Deaths
    ) -> None:
        there.land(*deaths)
        with daemon(there) as process:
            wait_until_all_is_covered(there.subjects, process)
        print("\n".join(["", HEAD, *(one.check_runs() for one in there.subjects)]))  # noqa: T201 - asked for
        for one in there.subjects:
            one.check_readers()
        assert there.seen().lagging == []
