"""Thousands of definitions and a Dagster of one's own, for benchmarks."""

import json
import shutil
import time
from argparse import Namespace
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
from dagster._core.scheduler.instigation import InstigatorTick, TickStatus

from clustering_pipeline.defs.instance import partitions
from clustering_pipeline.defs.instance.home import dagster_home, open_instance
from clustering_pipeline.local.dagster_dev import DagsterDev, running_dagster
from clustering_pipeline.local.stack.spawn import free_port
from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.create import CreateClusterRequest
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.ids import new_id
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.service.collections.load import Load, load
from clustering_pipeline.settings import Settings

SAMPLE = Path(__file__).parents[1] / "clustering_pipeline/local/data/state_of_the_union.parquet"
PATIENCE = 300.0
SENSOR = "run_after_batches"


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

    def copies(self, original: ClusterRecord, count: int) -> list[str]:
        """So many definitions like one, past the checks that ten thousand creations would take."""
        table = self.pipeline.catalog.clusters.table
        document = table.find_one({"_id": original.cluster_id}) or {}
        made = []
        for number in range(count):
            copy = json.loads(json.dumps(document))
            name = f"copy {number} of {original.cluster_id}"
            copy |= {"_id": new_id("clust")}
            copy["view"]["cluster_name"] = copy["spec"]["cluster_name"] = name
            made.append(copy)
        if made:
            table.collection.insert_many(made, ordered=False)
        return [one["_id"] for one in made]

    def complete(self, collection: CollectionRecord) -> None:
        batches = self.pipeline.catalog.batches
        batch = batches.open(LOCAL, [collection.collection_id])
        batches.complete(LOCAL, batch.batch_id)

    @contextmanager
    def dagster(self, *, runs: int) -> Generator[tuple[DagsterDev, dg.DagsterInstance]]:
        """The UI and the daemon over a home of their own, where so many runs may go on at once."""
        home = dagster_home(self.settings)
        shutil.rmtree(home)
        config = dagster_home(self.settings) / "dagster.yaml"
        config.write_text(
            config.read_text().replace("max_concurrent_runs: 3", f"max_concurrent_runs: {runs}")
        )
        with open_instance(home) as instance:
            partitions.sync(instance, self.pipeline.catalog.clusters.ids)
            with running_dagster(self.settings, port=free_port()) as dagster:
                wait_for(lambda: finished_ticks(instance))
                yield dagster, instance


def wait_for(found: Callable[[], object], every: float = 0.1) -> None:
    """Until there is something; raises TimeoutError after minutes."""
    deadline = time.monotonic() + PATIENCE
    while not found():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(every)


def finished_ticks(instance: dg.DagsterInstance) -> list[InstigatorTick]:
    """Looks of the sensor that are over, the last first."""
    done = [TickStatus.SUCCESS, TickStatus.SKIPPED]
    for state in instance.all_instigator_state():
        if state.instigator_name == SENSOR:
            found = instance.get_ticks(
                state.instigator_origin_id, state.selector_id, limit=100, statuses=done
            )
            return list(found)
    return []
