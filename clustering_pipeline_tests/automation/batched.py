"""Definitions that a completed batch makes run in other processes, some of which die."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import dagster as dg
from pymongo import MongoClient

import clustering_pipeline_tests
from clustering_pipeline.automation.batches import Tick, apart, look
from clustering_pipeline.automation.document_counts import Counter
from clustering_pipeline.defs.instance.home import dagster_home, open_instance
from clustering_pipeline.defs.instance.runs import in_flight
from clustering_pipeline.defs.instance.tags import PARTITION
from clustering_pipeline.local.connect import open_pipeline
from clustering_pipeline.local.stack.client import Stack
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.ids import run_id_of
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.model.times import utc_now
from clustering_pipeline.service.results.groups import published_groups
from clustering_pipeline.settings import Settings
from clustering_pipeline_tests.defs.dying_location import DEATHS
from clustering_pipeline_tests.worlds.direct import execute
from clustering_pipeline_tests.worlds.subjects import Shelf, expected, grouped, shelf
from clustering_pipeline_tests.worlds.world import World

ROOT = Path(clustering_pipeline_tests.__file__).parents[1]
BEFORE = {1: "sea", 2: "sea", 3: "sea", 4: "court", 5: None, 6: "space"}
AFTER = {1: "sea", 2: "sea", 3: "court", 4: "court", 5: None, 6: "space", 7: "space"}
LISTENS = {"auto_execute_on_batch": True, "auto_execute_cooldown_seconds": 0}
HEAD = f"{'worker killed when the asset has':52} {'its runs':24} of them      readers"


@dataclass(kw_only=True)
class Subject:
    """A definition that a completed batch makes run, with what its readers may see."""

    shelf: Shelf
    cluster: ClusterRecord
    deaths: Sequence[str]
    """What the runs have just done or begun when they die, one after the other."""
    first: str
    """The run that was published before the batch."""
    looks: int = 0

    @property
    def world(self) -> World:
        return self.shelf.world

    @property
    def cluster_id(self) -> str:
        return self.cluster.cluster_id

    def record(self) -> ClusterRecord:
        return self.world.pipeline.catalog.clusters.by_id(self.cluster_id)

    def runs(self) -> list[dg.DagsterRun]:
        """The oldest first."""
        found = [one for one in self.world.instance.get_runs() if PARTITION in one.tags]
        return [one for one in reversed(found) if one.tags[PARTITION] == self.cluster_id]

    def check_readers(self) -> None:
        """Results of one run, whole; each document as one run left it, or not written yet."""
        self.looks += 1
        seen = published_groups(self.world.pipeline.catalog, LOCAL, self.cluster_id)
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

        self.world.pipeline.catalog.clusters.revise(self.cluster_id, edit)

    def check_runs(self) -> str:
        """Each run that died ended as failed, and one more covered the batch; a row of a table."""
        runs, executions = self.runs(), self.world.pipeline.catalog.executions
        found = [executions.by_id(run_id_of(one.run_id)) for one in runs]
        told = [(one.status.value, one.failure_category) for one in found]
        assert told == [("failed", "interrupted")] * len(self.deaths) + [("completed", None)]
        last, ends = found[-1], [one.status.value for one in runs]
        assert ends == ["FAILURE"] * len(self.deaths) + ["SUCCESS"]
        assert last.covered_batches == {self.shelf.collection.collection_id: 1}
        assert self.record().state.last_run_id == last.run_id
        assert self.is_covered()
        retried = sum(one.parent_run_id is not None for one in runs)
        died = ", then ".join(self.deaths) or "(nowhere)"
        return f"{died:52} {' '.join(ends):24} {retried} retried   {self.looks:4} looks: whole"


@dataclass(kw_only=True)
class Ingestion:
    """Stores, a Dagster home and a folder of deaths that other processes share with the test."""

    settings: Settings
    world: World
    deaths: Path
    subjects: list[Subject] = field(default_factory=list)

    @property
    def home(self) -> Path:
        return dagster_home(self.settings)

    @property
    def environment(self) -> dict[str, str]:
        uri = self.settings.mongodb_uri
        return {
            "DAGSTER_HOME": str(self.home),
            "DAGSTER_EVENT_LOG_CONSUMER_DAEMON_INTERVAL_SECONDS": "1",
            "PYTHONPATH": str(ROOT),
            "CLUSTERING_DATA_DIR": str(self.settings.data_dir),
            "CLUSTERING_MONGODB_URI": uri.get_secret_value() if uri else "",
            "CLUSTERING_MONGODB_DATABASE": self.settings.mongodb_database,
            "CLUSTERING_QDRANT_URL": str(self.settings.qdrant_url),
            DEATHS: str(self.deaths),
        }

    def land(self, *deaths: Sequence[str]) -> list[Subject]:
        """A definition for each of the deaths, run once; then a batch of changes completes.

        The first one writes onto its documents, the second one has an output collection.
        """
        made = shelf(self.world, BEFORE, **LISTENS)
        catalog = self.world.pipeline.catalog
        subjects = [
            self._subject(made, cluster, own)
            for cluster, own in zip((made.onto, made.beside), deaths, strict=False)
        ]
        if len(deaths) < 2:
            catalog.clusters.delete(LOCAL, made.beside.cluster_id)
        made.put({one: name for one, name in AFTER.items() if BEFORE.get(one, 0) != name})
        opened = catalog.batches.open(LOCAL, [made.collection.collection_id])
        catalog.batches.complete(LOCAL, opened.batch_id)
        self.subjects += subjects
        return subjects

    def _subject(self, made: Shelf, cluster: ClusterRecord, deaths: Sequence[str]) -> Subject:
        if deaths:
            (self.deaths / cluster.cluster_id).write_text("\n".join(deaths))
        first = execute(self.world.pipeline, cluster)
        return Subject(shelf=made, cluster=cluster, deaths=deaths, first=first.run_id)

    def seen(self) -> Tick:
        """What a look finds now."""
        pipeline, instance = self.world.pipeline, self.world.instance
        counter = Counter(pipeline=pipeline)
        return look(pipeline.catalog, counter, lambda: in_flight(instance), self.apart, utc_now())

    def apart(self, cluster_id: str) -> str | None:
        """Why its documents can join no group."""
        pipeline = self.world.pipeline
        return apart(pipeline, pipeline.catalog.clusters.by_id(cluster_id))


@contextmanager
def ingesting(stack: Stack, folder: Path) -> Iterator[Ingestion]:
    """A database, a Dagster home and artifacts of its own, over the worker's stack."""
    settings = Settings(
        data_dir=folder,
        mongodb_uri=stack.mongodb_uri,
        mongodb_database=f"test_{uuid4().hex}",
        qdrant_url=stack.qdrant_url,
    )
    (folder / "deaths").mkdir()
    with ExitStack() as opened:
        pipeline = opened.enter_context(open_pipeline(settings))
        instance = opened.enter_context(open_instance(dagster_home(settings)))
        world = World(pipeline=pipeline, instance=instance)
        before = set(pipeline.documents.collections())
        yield Ingestion(settings=settings, world=world, deaths=folder / "deaths")
        for name in set(pipeline.documents.collections()) - before:
            pipeline.documents.delete_collection(name)
    with MongoClient(stack.mongodb_uri) as client:
        client.drop_database(settings.mongodb_database)
