"""Fields onto documents by difference, and groups matched with those of the run before.

python benchmarks/publishing.py [--count 50000] [--groups 200] [--repeat 3]

Starts the embedded stack.  The runs are made up: their members are written as any run writes them,
so that nothing but the write-back and the matching is timed.
"""

import os
import platform
import statistics
import tempfile
import time
import uuid
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import polars as pl

from clustering_pipeline.engine.identity import Generation, identify
from clustering_pipeline.local.stack.client import attach, detach
from clustering_pipeline.model.collections import RegisterCollectionRequest
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.create import CreateClusterRequest
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.executions.execution import ExecutionRecord, WriteBack
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.model.status import ClusterStatus
from clustering_pipeline.pipeline.publishing.write_back import write_back
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.service.executions.begin import RunIdentity, new_execution
from clustering_pipeline.service.executions.recovery import holding
from clustering_pipeline.stores.artifacts import Artifacts
from clustering_pipeline.stores.catalog import Catalog
from clustering_pipeline.stores.documents import Documents

VECTOR = "text"
MATCHED = 500
PACKAGES = ("qdrant-client", "qdrant-edge-py", "grpcio", "polars", "pymongo", "numpy")


@dataclass(frozen=True, kw_only=True)
class Bench:
    """The stores, a definition over documents, and the members that its runs are made of."""

    pipeline: Pipeline
    cluster: ClusterRecord
    members: pl.DataFrame

    def timed(self, members: pl.DataFrame) -> tuple[float, WriteBack]:
        """Publishes a run with these members and writes it back; only the latter is timed."""
        execution = self._published(members)
        run = holding(self.pipeline, self.cluster, execution)
        started = time.perf_counter()
        done = write_back(run)
        seconds = time.perf_counter() - started
        self.pipeline.catalog.clusters.release(self.cluster.cluster_id, execution.run_id)
        return seconds, done

    def _published(self, members: pl.DataFrame) -> ExecutionRecord:
        given = uuid.uuid4().hex
        identity = RunIdentity(dagster_run_id=given, root_run_id=given)
        made = new_execution(self.cluster, identity, self.cluster.resolved())
        planned = made.model_copy(update={"write_back": WriteBack()})
        execution = self.pipeline.catalog.executions.begin(planned)
        self.pipeline.artifacts.write_frame(execution.artifact_key("members.parquet"), members)
        holding(self.pipeline, self.cluster, execution)
        self.pipeline.catalog.clusters.publish(
            self.cluster.cluster_id, execution.run_id, status=ClusterStatus.PROCESSING
        )
        return execution


def open_bench(opened: ExitStack, options: Namespace) -> Bench:
    """Fills a collection and defines a clustering of it that writes onto the documents."""
    data_dir = Path(opened.enter_context(tempfile.TemporaryDirectory()))
    stack = attach(data_dir)
    opened.callback(detach, data_dir)
    catalog = opened.enter_context(closing(Catalog.connect(str(stack.mongodb_uri), "benchmark")))
    documents = opened.enter_context(closing(Documents.connect(str(stack.qdrant_url))))
    artifacts = Artifacts.open(data_dir / "artifacts")
    pipeline = Pipeline(catalog=catalog, documents=documents, artifacts=artifacts)
    documents.create_collection("benchmark", {VECTOR: options.dimensions})
    rng = np.random.default_rng(0)
    matrix = rng.standard_normal((options.count, options.dimensions), dtype=np.float32)
    payloads = [
        {"document_id": f"d{row:07}", "text": "so many words"} for row in range(len(matrix))
    ]
    documents.upsert("benchmark", range(1, options.count + 1), {VECTOR: matrix}, payloads)
    request = RegisterCollectionRequest(collection_name="benchmark")
    collection = catalog.collections.register(LOCAL, request)
    definition = {
        "collection_ids": [collection.collection_id],
        "vector_config": {
            "feature_uri": f"mixpeek://text@v1/{VECTOR}",
            "clustering_method": "kmeans",
        },
        "enrich_source_collection": True,
    }
    cluster = catalog.clusters.create(LOCAL, validate(CreateClusterRequest, definition))
    members = made_up(collection.collection_id, options, rng)
    return Bench(pipeline=pipeline, cluster=cluster, members=members)


def made_up(collection_id: str, options: Namespace, rng: np.random.Generator) -> pl.DataFrame:
    """What a run over all documents found: a group and a distance for each."""
    groups = rng.integers(0, options.groups, options.count)
    return pl.DataFrame(
        {
            "collection_id": [collection_id] * options.count,
            "point_id": [str(row + 1) for row in range(options.count)],
            "document_id": [f"d{row:07}" for row in range(options.count)],
            "feature_name": [VECTOR] * options.count,
            "cluster_id": [f"cl_{group}" for group in groups],
            "cluster_label": [f"label of group {group}" for group in groups],
            "distance_to_centroid": rng.random(options.count),
        }
    )


def changes(members: pl.DataFrame) -> dict[str, Callable[[], pl.DataFrame]]:
    """What happens between one run and the next."""
    farther = pl.col("distance_to_centroid") + 1
    some = pl.int_range(pl.len()) % 100 == 0
    few = pl.when(some).then(farther).otherwise("distance_to_centroid")
    return {
        "unchanged": lambda: members,
        "1 % moved": lambda: members.with_columns(few.alias("distance_to_centroid")),
        "all renamed": lambda: members.with_columns(pl.col("cluster_label") + " now"),
        "all moved": lambda: members.with_columns(farther.alias("distance_to_centroid")),
        "half left": lambda: members.head(members.height // 2),
    }


def generation(labels: np.ndarray, documents: list[str]) -> Generation:
    """One run's groups, as the matching sees them."""
    paths = tuple((number,) for number in range(int(labels.max()) + 1))
    return Generation(documents=documents, deepest=labels, paths=paths)


def match_seconds(options: Namespace) -> float:
    """Groups of a run matched with those of another that moved a tenth of the documents."""
    rng = np.random.default_rng(1)
    documents = [f"d{row:07}" for row in range(options.count)]
    before = np.concatenate([np.arange(MATCHED), rng.integers(0, MATCHED, options.count - MATCHED)])
    after = rng.permutation(MATCHED)[before]
    moved = rng.random(options.count) < 0.1
    after[moved] = rng.integers(0, MATCHED, int(moved.sum()))
    earlier = generation(before, documents)
    found = identify(earlier)
    known = Generation(documents=documents, deepest=before, paths=earlier.paths, uids=found.uids)
    started = time.perf_counter()
    identify(generation(after, documents), known)
    return time.perf_counter() - started


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=50_000)
    parser.add_argument("--dimensions", type=int, default=16)
    parser.add_argument("--groups", type=int, default=200)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}")
    print(", ".join(f"{name} {version(name)}" for name in PACKAGES))
    print(f"{options.count} documents in {options.groups} groups, three fields each")
    with ExitStack() as opened:
        bench = open_bench(opened, options)
        show("first", [bench.timed(bench.members)])
        for name, change in changes(bench.members).items():
            rounds = []
            for _ in range(options.repeat):
                rounds.append(bench.timed(change()))
                if name != "unchanged":
                    bench.timed(bench.members)
            show(name, rounds)
    seconds = [match_seconds(options) for _ in range(options.repeat)]
    print(f"{MATCHED} to {MATCHED} groups matched: {statistics.median(seconds):.2f} s")


def show(name: str, rounds: list[tuple[float, WriteBack]]) -> None:
    """The median time, and what was done."""
    seconds = statistics.median(one for one, _ in rounds)
    done = rounds[-1][1]
    counts = f"{done.written} written, {done.unchanged} unchanged, {done.removed} removed"
    print(f"{name:12} {seconds:6.2f} s  {counts}, {done.failed} failed")


if __name__ == "__main__":
    main()
