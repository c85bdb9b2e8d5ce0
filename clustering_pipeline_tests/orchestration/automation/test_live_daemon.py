"""A live daemon, and run workers that are killed at each asset: every batch is covered once.

The table of the points is printed: ``pytest -rP`` shows it.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from pymongo import MongoClient

import clustering_pipeline_tests
from clustering_pipeline.local.connect import open_pipeline
from clustering_pipeline.local.spawn import spawn_bound
from clustering_pipeline.local.stack import Stack
from clustering_pipeline.model.clock import utc_now
from clustering_pipeline.model.cluster import ClusterRecord
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.orchestration.automation.counting import Counter
from clustering_pipeline.orchestration.automation.tick import look
from clustering_pipeline.orchestration.dagster_runs import in_flight
from clustering_pipeline.orchestration.groups import published_groups
from clustering_pipeline.orchestration.instance import dagster_home, open_instance
from clustering_pipeline.orchestration.stages.table import STAGES
from clustering_pipeline.orchestration.tags import PARTITION
from clustering_pipeline.settings import Settings
from clustering_pipeline_tests.orchestration.automation.dying_location import DEATHS
from clustering_pipeline_tests.orchestration.direct import execute
from clustering_pipeline_tests.orchestration.subjects import Shelf, expected, grouped, shelf
from clustering_pipeline_tests.orchestration.world import World
from clustering_pipeline_tests.sizes import FULL, size

LOCATION = "clustering_pipeline_tests.orchestration.automation.dying_location"
ROOT = Path(clustering_pipeline_tests.__file__).parents[1]
PATIENCE = size(ci=180, full=280)
BEFORE = {1: "sea", 2: "sea", 3: "sea", 4: "court", 5: None, 6: "space"}
AFTER = {1: "sea", 2: "sea", 3: "court", 4: "court", 5: None, 6: "space", 7: "space"}
ASSETS = [stage.name for stage in STAGES]
LISTENS = {"auto_execute_on_batch": True, "auto_execute_cooldown_seconds": 0}

# A row for each collection: where the runs die of the definition that writes onto its documents,
# and of the one that has an output collection.  A second death is that of Dagster's own retry,
# after which the definition is due again.
DEATHS_IN_CI = [(["assignments begun", "published done"], None)]
ALL_DEATHS = [
    *(([f"{one} begun"], [f"{one} done"]) for one in ASSETS[:-1]),
    (["enriched_documents begun"], []),
    (["enriched_documents done"], ["published begun"]),
    (["published begun", "enriched_documents begun"], ["published done", "embeddings done"]),
]


@dataclass(kw_only=True)
class Subject:
    """A definition that a completed batch makes run, with what its readers may see."""

    shelf: Shelf
    cluster: ClusterRecord
    deaths: Sequence[str]
    first: str = ""
    looks: int = 0

    @property
    def cluster_id(self) -> str:
        return self.cluster.cluster_id

    def record(self) -> ClusterRecord:
        return self.shelf.world.pipeline.catalog.clusters.by_id(self.cluster_id)

    def check_readers(self) -> None:
        """Results of one run, whole; each document as one run left it, or not written yet."""
        self.looks += 1
        seen = published_groups(self.shelf.world.pipeline.catalog, LOCAL, self.cluster_id)
        of = BEFORE if seen.run_id == self.first else AFTER
        assert {one.label: one.member_count for one in seen.groups} == grouped(of)
        if self.cluster.spec.enriches:
            for number, topic in self.shelf.topics().items():
                known = {expected(BEFORE).get(number), expected(AFTER).get(number), None}
                assert topic in known
        else:
            whole = [(grouped(one), dict(expected(one).values())) for one in (BEFORE, AFTER)]
            assert self.shelf.output() in whole

    def is_covered(self) -> bool:
        record = self.record()
        settled = record.state.automation.settled
        return record.claim is None and settled == {self.shelf.collection.collection_id: 1}

    def shorten_the_wait(self) -> None:
        """Two failures in a row are four minutes of waiting."""

        def edit(record: ClusterRecord) -> dict[str, object]:
            automation = record.state.automation
            if automation.failures < 2 or automation.failed_at is None:
                return {}
            long_ago = utc_now() - timedelta(hours=2)
            return {"automation": automation.model_copy(update={"failed_at": long_ago})}

        self.shelf.world.pipeline.catalog.clusters.revise(self.cluster_id, edit)

    def check_runs(self) -> str:
        """Each run that died ended as failed, and one more covered the batch; a row of a table."""
        world = self.shelf.world
        runs = [one for one in world.instance.get_runs() if one.tags[PARTITION] == self.cluster_id]
        runs.reverse()
        executions = world.pipeline.catalog.executions
        found = [executions.by_id(f"run_{one.run_id.replace('-', '')}") for one in runs]
        told = [(one.status.value, one.failure_category) for one in found]
        assert told == [("failed", "interrupted")] * len(self.deaths) + [("completed", None)]
        last, ends = found[-1], [one.status.value for one in runs]
        assert ends == ["FAILURE"] * len(self.deaths) + ["SUCCESS"]
        assert (last.covered_batches, self.record().state.last_run_id) == (
            {self.shelf.collection.collection_id: 1},
            last.run_id,
        )
        retried = sum(one.parent_run_id is not None for one in runs)
        died = ", then ".join(self.deaths) or "(nowhere)"
        return f"{died:52} {' '.join(ends):24} {retried} retried   {self.looks:4} looks: whole"


@dataclass(kw_only=True)
class Live:
    """Stores, a Dagster home and a folder of deaths that the daemon shares with the test."""

    settings: Settings
    world: World
    deaths: Path
    subjects: list[Subject] = field(default_factory=list)

    def prepare(self, deaths: tuple[Sequence[str], Sequence[str] | None]) -> None:
        """Two definitions over a collection, run once; then a batch of changes lands."""
        made = shelf(self.world, BEFORE, **LISTENS)
        for cluster, own in zip((made.onto, made.beside), deaths, strict=True):
            if own is None:
                self.world.pipeline.catalog.clusters.delete(LOCAL, cluster.cluster_id)
                continue
            subject = Subject(shelf=made, cluster=cluster, deaths=own)
            subject.first = execute(self.world.pipeline, cluster).run_id
            if own:
                (self.deaths / cluster.cluster_id).write_text("\n".join(own))
            self.subjects.append(subject)
        made.put({one: name for one, name in AFTER.items() if BEFORE.get(one, 0) != name})
        batches = self.world.pipeline.catalog.batches
        opened = batches.open(LOCAL, [made.collection.collection_id])
        batches.complete(LOCAL, opened.batch_id)

    @contextmanager
    def daemon(self) -> Iterator[subprocess.Popen[bytes]]:
        """``dagster-daemon run`` over the location, with its run workers."""
        home = dagster_home(self.settings)
        own = {
            "DAGSTER_HOME": str(home),
            "DAGSTER_EVENT_LOG_CONSUMER_DAEMON_INTERVAL_SECONDS": "1",
            "PYTHONPATH": str(ROOT),
            "CLUSTERING_DATA_DIR": str(self.settings.data_dir),
            "CLUSTERING_MONGODB_URI": self.settings.mongodb_uri.get_secret_value(),
            "CLUSTERING_MONGODB_DATABASE": self.settings.mongodb_database,
            "CLUSTERING_QDRANT_URL": str(self.settings.qdrant_url),
            DEATHS: str(self.deaths),
        }
        process = spawn_bound(
            [sys.executable, "-m", "dagster._daemon", "run", "-m", LOCATION],
            output=home / "daemon.log",
            environment=os.environ | own,
            farewell=signal.SIGINT,
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)

    def wait_until_all_is_covered(self, daemon: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + PATIENCE
        left = list(self.subjects)
        while left:
            assert daemon.poll() is None, "the daemon has ended"
            assert time.monotonic() < deadline, [one.record().state for one in left]
            for one in left:
                one.check_readers()
                one.shorten_the_wait()
            left = [one for one in left if not one.is_covered()]
            time.sleep(0.2)


@pytest.fixture
def live(stack: Stack, tmp_path: Path) -> Iterator[Live]:
    settings = Settings(
        data_dir=tmp_path,
        mongodb_uri=stack.mongodb_uri,
        mongodb_database=f"test_{uuid4().hex}",
        qdrant_url=stack.qdrant_url,
    )
    (tmp_path / "deaths").mkdir()
    with ExitStack() as opened:
        pipeline = opened.enter_context(open_pipeline(settings))
        instance = opened.enter_context(open_instance(dagster_home(settings)))
        world = World(pipeline=pipeline, instance=instance)
        before = set(pipeline.documents.collections())
        yield Live(settings=settings, world=world, deaths=tmp_path / "deaths")
        for name in set(pipeline.documents.collections()) - before:
            pipeline.documents.delete_collection(name)
    with MongoClient(stack.mongodb_uri) as client:
        client.drop_database(settings.mongodb_database)


def test_runs_that_die_at_an_asset_are_made_up_for_once(live: Live) -> None:
    for deaths in ALL_DEATHS if FULL else DEATHS_IN_CI:
        live.prepare(deaths)
    with live.daemon() as daemon:
        live.wait_until_all_is_covered(daemon)
    rows = [one.check_runs() for one in live.subjects]
    for one in live.subjects:
        one.check_readers()
    pipeline, instance = live.world.pipeline, live.world.instance
    after = look(
        pipeline.catalog, Counter(pipeline=pipeline), lambda: in_flight(instance), utc_now()
    )
    assert (after.lagging, after.definitions) == ([], len(live.subjects))
    head = f"{'worker killed when the asset has':52} {'its runs':24} of them      readers"
    print("\n".join(["", head, *rows]))  # noqa: T201 - asked for
