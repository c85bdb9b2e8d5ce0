"""Looks over ten thousand definitions, two hundred runs at once, and what a batch waits for.

python benchmarks/automation.py                  every row
python benchmarks/automation.py --only tick      only that one: tick, due, load, page, latency
python benchmarks/automation.py --definitions 500 --due 20 --batches 3   a smaller try
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from clustering_pipeline.local.connect import open_pipeline
from clustering_pipeline.local.dagster_dev import running_dagster
from clustering_pipeline.local.ports import free_port
from clustering_pipeline.model.clock import utc_now
from clustering_pipeline.model.cluster import ClusterRecord
from clustering_pipeline.model.collection import CollectionRecord
from clustering_pipeline.model.definition import CreateClusterRequest
from clustering_pipeline.model.ids import new_id
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.model.validation import validate
from clustering_pipeline.orchestration.automation.counting import Counter
from clustering_pipeline.orchestration.automation.tick import look
from clustering_pipeline.orchestration.dagster_runs import in_flight, unfinished
from clustering_pipeline.orchestration.instance import dagster_home, open_instance
from clustering_pipeline.orchestration.loading import Load, load
from clustering_pipeline.orchestration.partitions import NAME
from clustering_pipeline.orchestration.pipeline import Pipeline
from clustering_pipeline.settings import Settings

SAMPLE = Path(__file__).parents[1] / "clustering_pipeline/local/data/state_of_the_union.parquet"
LOOKS = 5
DAEMON = """
import time
from clustering_pipeline_tests.orchestration.automation.dying_daemon import look
began = time.perf_counter()
look(0, None)
print(time.perf_counter() - began)
"""
LOCATION = """
import dagster as dg
from clustering_pipeline.definitions import defs
dg.Definitions.get_repository_def(defs())
"""
PAGE = """
query Page($key: AssetKeyInput!) {
  assetNodeOrError(assetKey: $key) {
    ... on AssetNode {
      partitionKeys
      assetPartitionStatuses { __typename }
      partitionStats { numMaterialized numPartitions }
    }
  }
}
"""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Stores of the benchmark's own, and how much it does."""

    settings: Settings
    pipeline: Pipeline
    size: Namespace

    def collection(self, name: str) -> CollectionRecord:
        return load(self.pipeline, LOCAL, Load(file=SAMPLE, collection_name=name))

    def definition(self, collection: CollectionRecord) -> ClusterRecord:
        request = {
            "collection_ids": [collection.collection_id],
            "vector_config": {
                "feature_uri": "mixpeek://text_extractor@v1/embedding",
                "clustering_method": "kmeans",
                "algorithm_params": {"n_clusters": 4},
                "sample_size": 500,
            },
            "auto_execute_on_batch": True,
            "auto_execute_cooldown_seconds": 0,
        }
        wanted = validate(CreateClusterRequest, request)
        return self.pipeline.catalog.clusters.create(LOCAL, wanted)

    def copies(self, original: ClusterRecord, count: int) -> None:
        """So many definitions like one, past the checks that ten thousand creations would take."""
        table = self.pipeline.catalog.clusters.table
        document = table.find_one({"_id": original.cluster_id}) or {}
        for number in range(count):
            copy = json.loads(json.dumps(document))
            name = f"copy {number} of {original.cluster_id}"
            copy |= {"_id": new_id("clust")}
            copy["view"]["cluster_name"] = copy["spec"]["cluster_name"] = name
            table.insert(copy)

    def complete(self, collection: CollectionRecord) -> None:
        batches = self.pipeline.catalog.batches
        batch = batches.open(LOCAL, [collection.collection_id])
        batches.complete(LOCAL, batch.batch_id)

    @property
    def environment(self) -> dict[str, str]:
        home = {"DAGSTER_HOME": str(dagster_home(self.settings))}
        return os.environ | home | {"CLUSTERING_DATA_DIR": str(self.settings.data_dir)}

    def program(self, text: str) -> str:
        """What a Python program prints."""
        command = [sys.executable, "-c", text]
        done = subprocess.run(
            command, env=self.environment, check=True, stdout=subprocess.PIPE, text=True
        )
        return done.stdout


def tick(bench: Bench) -> dict[str, object]:
    """Looks when nothing is due; the bar is under a second."""
    seconds = []
    for _ in range(LOOKS):
        began = time.perf_counter()
        found = look(bench.pipeline.catalog, Counter(pipeline=bench.pipeline), dict, utc_now())
        seconds.append(time.perf_counter() - began)
    return {
        "definitions": found.definitions,
        "due": len(found.requests),
        "seconds": round(statistics.median(seconds), 3),
        "worst": round(max(seconds), 3),
    }


def due(bench: Bench) -> dict[str, object]:
    """One look of the real sensor daemon with many due; the bar is 40 s for 200."""
    collection = bench.collection("due")
    original = bench.definition(collection)
    bench.copies(original, bench.size.due - 1)
    bench.complete(collection)
    seconds = round(float(bench.program(DAEMON)), 1)
    with open_instance(dagster_home(bench.settings)) as instance:
        made = unfinished(instance)
        different = len(in_flight(instance))
        for run in made:
            instance.report_run_canceled(run)
    return {"requested": len(made), "definitions": different, "seconds": seconds}


def load_location(bench: Bench) -> dict[str, object]:
    """A fresh process that loads the code location; the bar is under 3 s."""
    with open_instance(dagster_home(bench.settings)) as instance:
        instance.add_dynamic_partitions(NAME, bench.pipeline.catalog.clusters.ids())
        keys = len(instance.get_dynamic_partitions(NAME))
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        bench.program(LOCATION)
        seconds.append(round(time.perf_counter() - began, 2))
    return {"partitions": keys, "seconds": seconds}


def page(bench: Bench) -> dict[str, object]:
    """What the asset page asks for; the bar is under 2 s."""
    load_location(bench)
    with running_dagster(bench.settings, port=free_port()) as dagster:
        variables = {"key": {"path": ["published"]}}
        question = json.dumps({"query": PAGE, "variables": variables}).encode()
        seconds = []
        for _ in range(LOOKS):
            request = urllib.request.Request(  # noqa: S310 - an http address of our own
                f"{dagster.url}/graphql", question, {"Content-Type": "application/json"}
            )
            began = time.perf_counter()
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                found = json.load(answer)
            seconds.append(time.perf_counter() - began)
    keys = found["data"]["assetNodeOrError"]["partitionKeys"]
    return {"partitions": len(keys), "seconds": [round(one, 2) for one in seconds]}


def latency(bench: Bench) -> dict[str, object]:
    """From a completed batch to a run that has begun; the bars are 10 s and, at worst, 15 s."""
    collection = bench.collection("arrivals")
    definition = bench.definition(collection)
    seconds = []
    with running_dagster(bench.settings, port=free_port()):
        for _ in range(bench.size.batches):
            began = time.perf_counter()
            bench.complete(collection)
            seconds.append(_begun(bench, definition, began))
    return {
        "batches": len(seconds),
        "median": round(statistics.median(seconds), 1),
        "worst": round(max(seconds), 1),
    }


def _begun(bench: Bench, definition: ClusterRecord, began: float) -> float:
    """Seconds to the start of the next run, whose end is awaited as well."""
    executions = bench.pipeline.catalog.executions
    before = set(executions.ids_of(definition.cluster_id))
    while not (new := set(executions.ids_of(definition.cluster_id)) - before):
        time.sleep(0.1)
    taken = time.perf_counter() - began
    (run_id,) = new
    while not executions.by_id(run_id).status.ended:
        time.sleep(0.1)
    # An idle system: the daemon has told of the end as well.
    time.sleep(2.0)
    return taken


ROWS: dict[str, Callable[[Bench], dict[str, object]]] = {
    "tick": tick,
    "due": due,
    "load": load_location,
    "page": page,
    "latency": latency,
}


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=list(ROWS))
    parser.add_argument("--definitions", type=int, default=10_000)
    parser.add_argument("--due", type=int, default=200)
    parser.add_argument("--batches", type=int, default=20)
    size = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder))
        with open_pipeline(settings) as pipeline:
            bench = Bench(settings=settings, pipeline=pipeline, size=size)
            bench.copies(bench.definition(bench.collection("quiet")), size.definitions - 1)
            for name in [size.only] if size.only else ROWS:
                print(json.dumps({"row": name, **ROWS[name](bench)}), flush=True)


if __name__ == "__main__":
    main()
