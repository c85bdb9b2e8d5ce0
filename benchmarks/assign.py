"""New documents assigned to published groups, through the stages of a run on the embedded stack.

python benchmarks/assign.py [--count 50000] [--new 10000] [--groups 200] [--dimensions 384]

The published run is made up where a real one would cluster and lay out a map; everything of the
assignment is timed, from the export to the last document written.
"""

import tempfile
import time
import uuid
from argparse import ArgumentParser, Namespace
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline.garbage import collect_rarely
from clustering_pipeline.local.stack.client import attach, detach
from clustering_pipeline.model.collections import RegisterCollectionRequest
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.create import CreateClusterRequest
from clustering_pipeline.model.definitions.execute import ExecuteClusterByIdRequest, ExecutionMode
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.pipeline.groups.matching import keep_named, name_groups, read_past
from clustering_pipeline.pipeline.run.artifacts import (
    EMBEDDINGS,
    FIT,
    REDUCED,
    REDUCTION,
    RELATIONS,
)
from clustering_pipeline.pipeline.run.columns import KEYS, vector_series
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.run.spaces import original_spaces
from clustering_pipeline.pipeline.stages.table import STAGES
from clustering_pipeline.service.executions.begin import RunIdentity, new_execution, open_run
from clustering_pipeline.service.executions.finish import complete
from clustering_pipeline.stores.artifacts import Artifacts
from clustering_pipeline.stores.catalog import Catalog
from clustering_pipeline.stores.documents import Documents

VECTOR = "text"
NAME = "benchmark"
MADE_UP = ("reduced_embeddings", "assignments")


@dataclass(frozen=True, kw_only=True)
class Topics:
    """Directions, and documents about them; a tenth of the topics is new to the published run."""

    directions: NDArray[np.float32]
    known: int

    def draw(self, topics: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float32]:
        noise = rng.standard_normal((len(topics), self.directions.shape[1]), dtype=np.float32)
        return (self.directions[topics] + noise / np.sqrt(noise.shape[1])).astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class Bench:
    """The stores, and a definition over documents whose topics are known."""

    pipeline: Pipeline
    cluster: ClusterRecord
    topics: Topics

    def fill(self, topics: NDArray[np.int64], *, first: int, seed: int) -> None:
        vectors = self.topics.draw(topics, np.random.default_rng(seed))
        ids = range(first, first + len(topics))
        payloads = [
            {"document_id": f"d{one:07}", "text": f"topic {topic}"}
            for one, topic in zip(ids, topics, strict=True)
        ]
        self.pipeline.documents.upsert(NAME, ids, {VECTOR: vectors}, payloads)

    def run(
        self, mode: ExecutionMode, *, topics: NDArray[np.int64] | None = None
    ) -> tuple[ExecutionRecord, dict[str, float]]:
        """A run, with the seconds of each stage; with ``topics``, its groups are made up."""
        given = uuid.uuid4().hex
        identity = RunIdentity(dagster_run_id=given, root_run_id=given)
        record = self.pipeline.catalog.clusters.by_id(self.cluster.cluster_id)
        request = validate(ExecuteClusterByIdRequest, {"mode": mode})
        made = new_execution(record, identity, record.resolved(request))
        self.pipeline.catalog.executions.begin(made)
        seconds: dict[str, float] = {}
        for stage in STAGES:
            started = time.perf_counter()
            run = open_run(self.pipeline, self.cluster.cluster_id, identity, stage=stage.name)
            if topics is None or stage.name not in MADE_UP:
                stage.work(run)
            elif stage.name == "assignments":
                make_up(run, topics)
            seconds[stage.name] = time.perf_counter() - started
        complete(self.pipeline.catalog, identity.run_id)
        return self.pipeline.catalog.executions.by_id(identity.run_id), seconds


def make_up(run: Run, topics: NDArray[np.int64]) -> None:
    """What clustering and layout would have written."""
    keys = run.read_frame(EMBEDDINGS, columns=KEYS)
    rows = keys["point_id"].cast(pl.Int64).to_numpy() - 1
    labels = topics[rows]
    places = np.random.default_rng(0).standard_normal((len(rows), 2)).astype(np.float32)
    axes = pl.DataFrame({"row": np.arange(len(rows)), "x": places[:, 0], "y": places[:, 1]})
    run.write_frame(REDUCED, axes.with_columns(vector_series("vector", places)))
    unknown = dict.fromkeys(("input", "weights", "weight_learning", "learning_quality_score"))
    sizes = {"documents": len(rows), "fitted": len(rows)}
    run.write_json(REDUCTION, {"steps": [], **sizes, **unknown})
    frame = keys.with_columns(
        label=labels,
        cluster_id=pl.Series([f"cl_{one}" for one in labels]),
        probability=pl.lit(1.0),
        outlier_score=pl.lit(0.0),
        feature_name=pl.lit(original_spaces(run)[0].name),
    )
    keep_named(run, name_groups(frame, read_past(run), original_spaces(run)))
    run.write_json(FIT, {"algorithm": "kmeans", "params": {}})
    run.write_json(RELATIONS, [])


def open_bench(opened: ExitStack, options: Namespace) -> Bench:
    data_dir = Path(opened.enter_context(tempfile.TemporaryDirectory()))
    stack = attach(data_dir)
    opened.callback(detach, data_dir)
    catalog = opened.enter_context(closing(Catalog.connect(str(stack.mongodb_uri), NAME)))
    documents = opened.enter_context(closing(Documents.connect(str(stack.qdrant_url))))
    artifacts = Artifacts.open(data_dir / "artifacts")
    documents.create_collection(NAME, {VECTOR: options.dimensions})
    request = RegisterCollectionRequest(collection_name=NAME)
    collection = catalog.collections.register(LOCAL, request)
    definition = {
        "collection_ids": [collection.collection_id],
        "vector_config": {
            "feature_uri": f"mixpeek://text@v1/{VECTOR}",
            "clustering_method": "kmeans",
        },
        "enrich_source_collection": not options.output,
    }
    cluster = catalog.clusters.create(LOCAL, validate(CreateClusterRequest, definition))
    many = options.groups + options.groups // 10
    directions = np.random.default_rng(1).standard_normal((many, options.dimensions))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return Bench(
        pipeline=Pipeline(catalog=catalog, documents=documents, artifacts=artifacts),
        cluster=cluster,
        topics=Topics(directions=directions.astype(np.float32), known=options.groups),
    )


def main() -> None:
    collect_rarely()  # as the processes do that run a definition
    parser = ArgumentParser(description=__doc__)
    for name, default in (("count", 50_000), ("new", 10_000), ("groups", 200), ("dimensions", 384)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--output", action="store_true", help="to an output collection")
    options = parser.parse_args()
    rng = np.random.default_rng(2)
    published = rng.integers(0, options.groups, options.count)
    arrived = rng.integers(0, options.groups, options.new)
    strange = rng.random(options.new) < 0.1
    arrived[strange] = rng.integers(options.groups, options.groups * 11 // 10, strange.sum())
    with ExitStack() as opened:
        bench = open_bench(opened, options)
        bench.fill(published, first=1, seed=3)
        bench.run("full", topics=published)
        bench.fill(arrived, first=options.count + 1, seed=4)
        execution, seconds = bench.run("assign")
    print("| stage | seconds |\n|---|---:|")
    for name, one in seconds.items():
        print(f"| {name} | {one:.2f} |")
    print(f"| all | {sum(seconds.values()):.2f} |")
    found = execution.metrics.additional_properties if execution.metrics else {}
    print({name: found[name] for name in ("new_documents", "assigned_documents", "novelty_pool")})
    print(f"of which new to all groups: {int(strange.sum())}")


if __name__ == "__main__":
    main()
