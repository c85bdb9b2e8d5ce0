"""A run is killed between any two writes of publication and write-back, and nothing is torn.

The table of the points is printed: ``pytest -rP`` shows it.
"""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import dagster as dg
import pytest
from pymongo import MongoClient

from clustering_pipeline.model.cluster import ClusterRecord
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.orchestration.generations import generations, repair_aliases
from clustering_pipeline.orchestration.groups import published_groups
from clustering_pipeline.orchestration.pipeline import Pipeline
from clustering_pipeline.orchestration.recovery import recover
from clustering_pipeline.orchestration.verification import verify_run
from clustering_pipeline.stores.artifacts import Artifacts
from clustering_pipeline.stores.catalog import Catalog
from clustering_pipeline.stores.documents import Documents
from clustering_pipeline_tests.orchestration.conftest import PATIENCE
from clustering_pipeline_tests.orchestration.direct import execute
from clustering_pipeline_tests.orchestration.dying import (
    Places,
    kill,
    run_directly,
    run_in_dagster,
)
from clustering_pipeline_tests.orchestration.subjects import Shelf, expected, grouped, shelf
from clustering_pipeline_tests.orchestration.world import World
from clustering_pipeline_tests.sizes import FULL, size

# The two states that executions go back and forth between; document 9 leaves and comes back.
STATES = (
    {1: "sea", 2: "sea", 3: "sea", 4: "court", 5: "court", 6: None, 7: "space", 9: "sea"},
    {1: "sea", 2: "sea", 3: "court", 4: "court", 5: None, 6: "garden", 7: "space", 8: "space"},
)
Subjects = dict[int, str | None]


@dataclass(frozen=True, kw_only=True)
class Killing:
    """What is seen after a run was killed, and what becomes of it."""

    places: Places
    shelf: Shelf
    cluster: ClusterRecord

    @property
    def pipeline(self) -> Pipeline:
        return self.shelf.world.pipeline

    @property
    def writes_documents(self) -> bool:
        return self.cluster.spec.enriches

    def change(self, before: Subjects, after: Subjects) -> None:
        """Brings the documents from one state to the other; those that change are put anew."""
        gone = before.keys() - after.keys()
        self.shelf.remove(*gone)
        self.shelf.put({one: name for one, name in after.items() if before.get(one, 0) != name})

    def shown(self, runs: dict[str, Subjects]) -> tuple[str, Subjects]:
        """The published run and its state, once every reader agrees on it."""
        state = self.pipeline.catalog.clusters.by_id(self.cluster.cluster_id).state
        seen = published_groups(self.pipeline.catalog, LOCAL, self.cluster.cluster_id)
        subjects = runs.get(str(state.last_run_id), runs["candidate"])
        assert seen.run_id == state.last_run_id
        assert {one.label: one.member_count for one in seen.groups} == grouped(subjects)
        assert state.num_documents_clustered == len(subjects)
        return str(state.last_run_id), subjects

    def check_output(self, old: Subjects, subjects: Subjects) -> str:
        """One generation, whole: the published one, or the one before until somebody reads."""
        groups, members = self.shelf.output()
        of = {True: "published", False: "before"}[groups == grouped(subjects)]
        assert groups in (grouped(subjects), grouped(old))
        assert members == _members(subjects if of == "published" else old)
        assert repair_aliases(self.pipeline, self.cluster.cluster_id) is (of == "before")
        assert self.shelf.output() == (grouped(subjects), _members(subjects))
        return of

    def check_documents(self, old: Subjects, new: Subjects) -> str:
        """Each whole: as the old run left it, as the new one makes it, or put anew and empty."""
        counts = dict.fromkeys(("old", "new", "empty"), 0)
        for number, topic in self.shelf.topics().items():
            known = {expected(old).get(number): "old", expected(new).get(number): "new"}
            assert topic in {*known, None}
            counts["empty" if topic is None else known[topic]] += 1
        return " ".join(f"{count} {name}" for name, count in counts.items())

    def check_finished(self, subjects: Subjects) -> None:
        """Whatever the catalog points to is what all readers see, and nothing else is there."""
        state = self.pipeline.catalog.clusters.by_id(self.cluster.cluster_id).state
        if self.writes_documents:
            there = expected(subjects)
            shown = {one: topic for one, topic in self.shelf.topics().items() if one in there}
            assert shown == there
            assert state.documents_hold == [state.last_run_id]
        else:
            (alias,) = state.output_collection_ids
            assert generations(self.pipeline.documents, alias) == [f"{alias}__{state.last_run_id}"]
            assert self.shelf.output() == (grouped(subjects), _members(subjects))


@pytest.fixture(scope="module")
def places(mongodb_uri: str, qdrant_url: str) -> Iterator[Places]:
    with tempfile.TemporaryDirectory() as folder:
        yield Places(
            mongodb_uri=mongodb_uri,
            database=f"test_{uuid4().hex}",
            qdrant_url=qdrant_url,
            folder=folder,
        )


@pytest.fixture(scope="module")
def found(places: Places) -> Iterator[Shelf]:
    with ExitStack() as opened:
        catalog = Catalog.connect(places.mongodb_uri, places.database, timeout_ms=PATIENCE * 1000)
        documents = Documents.connect(places.qdrant_url, patience=PATIENCE)
        opened.enter_context(closing(catalog))
        opened.enter_context(closing(documents))
        artifacts = Artifacts.open(Path(places.folder))
        pipeline = Pipeline(catalog=catalog, documents=documents, artifacts=artifacts)
        instance = opened.enter_context(dg.DagsterInstance.ephemeral())
        before = set(documents.collections())
        yield shelf(World(pipeline=pipeline, instance=instance), STATES[0])
        for name in set(documents.collections()) - before:
            documents.delete_collection(name)
    with MongoClient(places.mongodb_uri) as client:
        client.drop_database(places.database)


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        pytest.param("onto", run_directly, id="write-back"),
        pytest.param("beside", run_directly, id="output-collection"),
        pytest.param("onto", run_in_dagster, id="in-dagster"),
    ],
)
def test_nothing_is_torn(places: Places, found: Shelf, kind: str, target) -> None:
    killing = Killing(places=places, shelf=found, cluster=getattr(found, kind))
    cluster_id = killing.cluster.cluster_id
    killing.change(_current(found), STATES[0])
    execute(killing.pipeline, killing.cluster)
    killing.change(STATES[0], STATES[1])
    written = kill(target, places, cluster_id, after=None)
    killing.check_finished(STATES[1])

    rows = []
    for turn, point in enumerate(_points(len(written), directly=target is run_directly)):
        old, new = STATES[(turn + 1) % 2], STATES[turn % 2]
        state = killing.pipeline.catalog.clusters.by_id(cluster_id).state
        runs = {str(state.last_run_id): old, "candidate": new}
        killing.change(old, new)
        survived = kill(target, places, cluster_id, after=point)
        run_id, subjects = killing.shown(runs)
        seen = (
            killing.check_documents(old, new)
            if killing.writes_documents
            else killing.check_output(old, subjects)
        )
        resumed = turn % 2 == 0 and recover(killing.pipeline, cluster_id)
        if resumed:
            killing.check_finished(subjects)
        again = execute(killing.pipeline, killing.cluster)
        killing.check_finished(new)
        assert {one.verdict for one in verify_run(killing.pipeline, again)} == {"same"}
        pointer = "old" if run_id in runs else "new"
        name = written[point - 1] if survived is None else "(it came to its end)"
        rows.append(f"{point:4} {name:38} {pointer:5} {seen:28} {'start' if resumed else 'run'}")
    print(_table(f"{kind}, {target.__name__}, {len(written)} writes", rows))  # noqa: T201 - asked for


def _table(title: str, rows: list[str]) -> str:
    head = f"   n {'write':38} {'shows':5} {'readers see':28} finished by"
    return "\n".join(["", f"{title}: killed after write n", head, *rows])


def _current(found: Shelf) -> Subjects:
    payloads = found.world.payloads(found.collection)
    return {int(number): one.get("subject") for number, one in payloads.items()}


def _points(writes: int, *, directly: bool) -> list[int]:
    """Every point at full size; otherwise some of them, from the first to the last third."""
    if FULL and directly:
        return list(range(1, writes + 1))
    wanted = size(ci=3 if directly else 2, full=6)
    return [1 + (2 * place + 1) * writes // (2 * wanted) for place in range(wanted)]


def _members(subjects: Subjects) -> dict[str, int]:
    """Group to its documents, noise among them."""
    return dict(expected(subjects).values())
