"""Runs that are killed (SIGKILL, in a process of their own) right after their n-th write.

A write is what leaves the process: a command to MongoDB that changes something, a call to Qdrant
that does, a file that appears among the artifacts or goes.  Counting begins with the first file
of the publication.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import dagster as dg
from pymongo import MongoClient
from pymongo.monitoring import CommandListener

from clustering_pipeline.definitions import build
from clustering_pipeline.defs.instance.partitions import NAME
from clustering_pipeline.defs.instance.tags import EXECUTE
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.stores.artifacts import Artifacts
from clustering_pipeline.stores.artifacts.folder import FolderFiles
from clustering_pipeline.stores.catalog import Catalog
from clustering_pipeline.stores.documents import Documents
from clustering_pipeline.stores.documents.connection import Connection as Qdrant
from clustering_pipeline.stores.documents.connection import open_client
from clustering_pipeline_tests.worlds.direct import execute

FIRST = "file clusters.parquet"
COMMANDS = frozenset({"findAndModify", "insert", "update", "delete"})
CALLS = frozenset({"Upsert", "UpdateBatch", "Delete", "Create", "UpdateAliases"})
HEAVY = ("sklearn.cluster", "sklearn.metrics")
READY = 300.0  # seconds until a process that does not end is a failure of the test


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where the stores are that a run in another process opens."""

    mongodb_uri: str
    database: str
    qdrant_url: str
    folder: str


@dataclass(kw_only=True)
class Fuse:
    """Counts writes from the first of the publication on, and kills its process after one."""

    after: int | None
    written: list[str] = field(default_factory=list)
    lock: Any = field(default_factory=threading.Lock)

    def burn(self, write: str) -> None:
        with self.lock:
            if self.written or write == FIRST:
                self.written.append(write)
            if self.after == len(self.written):
                os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class DyingMongo(CommandListener):
    fuse: Fuse
    commands: dict[int, str] = field(default_factory=dict)

    def started(self, event: Any) -> None:
        if event.command_name in COMMANDS:
            table = event.command[event.command_name]
            self.commands[event.request_id] = f"mongo {event.command_name} {table}"

    def succeeded(self, event: Any) -> None:
        if event.request_id in self.commands:
            self.fuse.burn(self.commands.pop(event.request_id))

    def failed(self, event: Any) -> None:
        self.commands.pop(event.request_id, None)


@dataclass
class DyingFiles(FolderFiles):
    root: str
    fuse: Fuse

    def __post_init__(self) -> None:
        super().__init__(Path(self.root))

    def publish(self, staged: Path, key: str) -> None:
        super().publish(staged, key)
        self.fuse.burn(f"file {key.rpartition('/')[2]}")


@dataclass
class DyingStub:
    stub: Any
    fuse: Fuse

    def __getattr__(self, method: str) -> Any:
        call = getattr(self.stub, method)
        if method not in CALLS:
            return call

        def write(request: Any, **options: Any) -> Any:
            answer = call(request, **options)
            self.fuse.burn(f"qdrant {method}")
            return answer

        return write


@dataclass
class DyingQdrant:
    client: Any
    fuse: Fuse

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.client, name)
        return DyingStub(found, self.fuse) if name.startswith("grpc_") else found


@contextmanager
def stores(places: Places, fuse: Fuse) -> Iterator[Pipeline]:
    """A pipeline of real stores that ends its process when the fuse has burnt down."""
    with ExitStack() as opened:
        listeners = [DyingMongo(fuse)]
        client = opened.enter_context(MongoClient(places.mongodb_uri, event_listeners=listeners))
        qdrant = DyingQdrant(open_client(places.qdrant_url), fuse)
        connection = Qdrant(qdrant, address="", patience=READY)
        documents = opened.enter_context(closing(Documents(lambda: connection)))
        yield Pipeline(
            catalog=Catalog(client[places.database], timeout_ms=int(1000 * READY)),
            documents=documents,
            artifacts=Artifacts(DyingFiles(places.folder, fuse), root=places.folder),
        )


def run_directly(
    places: Places, cluster_id: str, after: int | None, told: Connection, **overrides: Any
) -> None:
    """The stages one after the other."""
    fuse = Fuse(after=after)
    with stores(places, fuse) as pipeline:
        execute(pipeline, pipeline.catalog.clusters.by_id(cluster_id), **overrides)
    told.send(fuse.written)


def run_in_dagster(places: Places, cluster_id: str, after: int | None, told: Connection) -> None:
    """The job, as a worker does it."""
    fuse = Fuse(after=after)

    @contextmanager
    def connect() -> Iterator[Pipeline]:
        with stores(places, fuse) as pipeline:
            yield pipeline

    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions(NAME, [cluster_id])
        job = build(connect).resolve_job_def(EXECUTE)
        job.execute_in_process(instance=instance, partition_key=cluster_id)
    told.send(fuse.written)


def kill(target: Any, places: Places, cluster_id: str, *, after: int | None) -> list[str] | None:
    """Executes a definition elsewhere; what it wrote, or None when it was killed on the way."""
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload([__name__, *HEAVY])
    heard, told = server.Pipe(duplex=False)
    process = server.Process(target=target, args=(places, cluster_id, after, told))
    process.start()
    told.close()
    written = None
    try:
        if heard.poll(READY):
            written = heard.recv()
    except EOFError:
        pass
    process.join(READY)
    survived = written is not None
    assert process.exitcode == (0 if survived else -signal.SIGKILL), "see what it printed"
    return written
