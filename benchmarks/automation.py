"""Looks over ten thousand definitions, two hundred runs at once, and what a batch waits for.

python benchmarks/automation.py                  every row
python benchmarks/automation.py --only tick      only that one: tick, due, load, page, latency
python benchmarks/automation.py --definitions 500 --due 20 --batches 3   a smaller try

Each row is a line of JSON, with its bar and the load that the machine was under.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from argparse import ArgumentParser
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.scheduler.instigation import InstigatorTick
from fleet import Bench, finished_ticks, wait_for

from clustering_pipeline.automation.batches import look
from clustering_pipeline.automation.document_counts import Counter
from clustering_pipeline.defs.instance import partitions
from clustering_pipeline.defs.instance.home import dagster_home, open_instance
from clustering_pipeline.defs.instance.runs import in_flight, unfinished
from clustering_pipeline.local.connect import open_pipeline
from clustering_pipeline.local.dagster_dev import DagsterDev
from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.times import utc_now
from clustering_pipeline.settings import Settings

PACKAGES = ("dagster", "dagster-webserver", "pymongo", "qdrant-client", "qdrant-edge-py")
BARS = {
    "tick": "under 1 s",
    "due": "all requested in one tick under 40 s, none twice",
    "load": "under 3 s",
    "page": "under 2 s",
    "latency": "median under 10 s, worst under 15 s",
}
LOOKS = 5
MATERIALIZED = 500
LOCATION = """
import dagster as dg
from clustering_pipeline.definitions import defs
dg.Definitions.get_repository_def(defs())
"""
PAGE = """
query Page($key: AssetKeyInput!) {
  assetNodeOrError(assetKey: $key) {
    ... on AssetNode {
      partitionKeysByDimension { name partitionKeys }
      assetPartitionStatuses {
        ... on DefaultPartitionStatuses {
          materializedPartitions failedPartitions materializingPartitions unmaterializedPartitions
        }
      }
      partitionStats { numMaterialized numPartitions }
    }
  }
}
"""


def nothing(_cluster_id: str) -> None:
    """Keeps no document from joining a group."""


def tick(bench: Bench) -> dict[str, object]:
    """Looks when nothing is due."""
    seconds = []
    for _ in range(LOOKS):
        began = time.perf_counter()
        counter = Counter(pipeline=bench.pipeline)
        found = look(bench.pipeline.catalog, counter, dict, nothing, utc_now())
        seconds.append(time.perf_counter() - began)
    return {
        "definitions": found.definitions,
        "due": len(found.requests),
        "seconds": round(statistics.median(seconds), 3),
        "worst": round(max(seconds), 3),
    }


def due(bench: Bench) -> dict[str, object]:
    """A look of the real daemon with many due; no run begins, so that nothing else is measured."""
    collection, wanted = bench.collection("due"), bench.size.due
    original = bench.definition(collection)
    ids = [original.cluster_id, *bench.copies(original, wanted - 1)]
    with bench.dagster(runs=0) as (_, instance):
        bench.complete(collection)
        began = time.perf_counter()
        wait_for(lambda: instance.get_runs_count() >= wanted, every=0.5)
        waited = time.perf_counter() - began
        wait_for(lambda: any(one.run_ids for one in finished_ticks(instance)))
        looks = len(finished_ticks(instance))
        wait_for(lambda: len(finished_ticks(instance)) >= looks + 2)
        asking = [one for one in finished_ticks(instance) if one.run_ids]
        runs, different = len(unfinished(instance)), len(in_flight(instance))
    bench.pipeline.catalog.clusters.table.delete({"_id": {"$in": ids}})
    return {
        "requested": runs,
        "definitions": different,
        "ticks": len(asking),
        "seconds": round(sum(map(duration, asking)), 1),
        "from_batch_to_last": round(waited, 1),
    }


def duration(one: InstigatorTick) -> float:
    return (one.end_timestamp or one.timestamp) - one.timestamp


def load_location(bench: Bench) -> dict[str, object]:
    """A fresh process that loads the code location, beside as many partitions."""
    home = dagster_home(bench.settings)
    with open_instance(home) as instance:
        partitions.sync(instance, bench.pipeline.catalog.clusters.ids)
        keys = len(instance.get_dynamic_partitions(partitions.NAME))
    own = {"DAGSTER_HOME": str(home), "CLUSTERING_DATA_DIR": str(bench.settings.data_dir)}
    seconds = []
    for _ in range(LOOKS):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", LOCATION], env=os.environ | own, check=True)
        seconds.append(round(time.perf_counter() - began, 2))
    return {"partitions": keys, "seconds": seconds}


def page(bench: Bench) -> dict[str, object]:
    """What the asset page asks for, through the web server's GraphQL."""
    with bench.dagster(runs=0) as (dagster, instance):
        keys = instance.get_dynamic_partitions(partitions.NAME)[:MATERIALIZED]
        for key in keys:
            instance.report_runless_asset_event(dg.AssetMaterialization("published", partition=key))
        asked = [_asked(dagster) for _ in range(LOOKS)]
    node = asked[0][1]["data"]["assetNodeOrError"]
    return {
        "partitions": len(node["partitionKeysByDimension"][0]["partitionKeys"]),
        "materialized": len(node["assetPartitionStatuses"]["materializedPartitions"]),
        "seconds": [round(seconds, 2) for seconds, _ in asked],
    }


def _asked(dagster: DagsterDev) -> tuple[float, Any]:
    question = {"query": PAGE, "variables": {"key": {"path": ["published"]}}}
    request = urllib.request.Request(  # noqa: S310 - an http address of our own
        f"{dagster.url}/graphql",
        json.dumps(question).encode(),
        {"Content-Type": "application/json"},
    )
    began = time.perf_counter()
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        found = json.load(answer)
    return time.perf_counter() - began, found


def latency(bench: Bench) -> dict[str, object]:
    """From a completed batch to a run that has begun."""
    collection = bench.collection("arrivals")
    definition = bench.definition(collection)
    with bench.dagster(runs=3):
        seconds = [_begun(bench, collection, definition) for _ in range(bench.size.batches)]
    return {
        "batches": len(seconds),
        "median": round(statistics.median(seconds), 1),
        "worst": round(max(seconds), 1),
    }


def _begun(bench: Bench, collection: CollectionRecord, definition: ClusterRecord) -> float:
    """Seconds to the start of the next run, whose end is awaited as well."""
    executions = bench.pipeline.catalog.executions
    before = set(executions.ids_of(definition.cluster_id))
    began = time.perf_counter()
    bench.complete(collection)
    wait_for(lambda: set(executions.ids_of(definition.cluster_id)) - before)
    taken = time.perf_counter() - began
    (run_id,) = set(executions.ids_of(definition.cluster_id)) - before
    wait_for(lambda: executions.by_id(run_id).status.ended)
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


def measure(bench: Bench, names: Iterable[str]) -> None:
    print(json.dumps({name: version(name) for name in PACKAGES}), flush=True)
    for name in names:
        found = ROWS[name](bench)
        load_average = round(os.getloadavg()[0], 1)
        print(
            json.dumps({"row": name, **found, "bar": BARS[name], "load_average": load_average}),
            flush=True,
        )


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
            measure(bench, [size.only] if size.only else ROWS)


if __name__ == "__main__":
    main()
