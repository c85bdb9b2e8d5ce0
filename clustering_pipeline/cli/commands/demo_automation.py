"""Half of the addresses, a batch, a run by itself; the other half, a cooldown, another run."""

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from clustering_pipeline.cli.commands.demo import PASSAGES, define, demo_session, show_groups, step
from clustering_pipeline.cli.session import Session
from clustering_pipeline.defs.instance.home import dagster_home, open_instance
from clustering_pipeline.defs.instance.runs import last_word
from clustering_pipeline.local.dagster_dev import running_dagster
from clustering_pipeline.local.stack.spawn import free_port
from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.errors import RunFailed
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.service.collections.load import Load, load

DATA_DIR = ".clustering-demo-automation"
COLLECTION = "arriving_addresses"
COOLDOWN_SECONDS = 90
PATIENCE_SECONDS = 240.0
SENSOR = "run_after_batches"
DEFINITION: dict[str, Any] = {
    "cluster_name": "Arriving topics",
    "collection_ids": [COLLECTION],
    "vector_config": {
        "feature_uri": "mixpeek://text_extractor@v1/embedding",
        "clustering_method": "kmeans",
        "algorithm_params": {"n_clusters": 12},
    },
    "auto_execute_on_batch": True,
    "auto_execute_cooldown_seconds": COOLDOWN_SECONDS,
}


def run_demo() -> None:
    """Everything from load to the second run, told as it happens; under five minutes."""
    say = partial(step, time.monotonic())
    with demo_session(DATA_DIR) as session:
        passages = pl.read_parquet(PASSAGES)
        earlier, later = passages[: passages.height // 2], passages[passages.height // 2 :]
        collection = _load(session, earlier)
        say(f"Half of the sample is in Qdrant: {earlier.height} passages")
        record = define(session, DEFINITION)
        say("Starting Dagster with its daemon")
        with running_dagster(session.settings, port=free_port()) as dagster:
            say(f"Dagster runs at {dagster.url}")
            first = _batch(session, record, collection, say)
            _load(session, later)
            say(f"The other half is there as well: {later.height} passages")
            second = _batch(session, record, collection, say)
            apart = _apart(first, second)
            say(f"The runs began {apart:.0f} s apart; the cooldown is {COOLDOWN_SECONDS} s")
            show_groups(session, record.cluster_id)
    say("Done; the stack is stopped")


def _batch(
    session: Session,
    record: ClusterRecord,
    collection: CollectionRecord,
    say: Callable[[str], None],
) -> ExecutionRecord:
    """Completes a batch and waits for the run that it makes."""
    catalog = session.pipeline.catalog
    before = catalog.executions.latest(record.cluster_id)
    batch = catalog.batches.open(session.scope, [collection.collection_id])
    catalog.batches.complete(session.scope, batch.batch_id)
    say(f"Completed {batch.batch_id}")
    last, deadline = "", time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        latest = catalog.executions.latest(record.cluster_id)
        if latest is not None and (before is None or latest.run_id != before.run_id):
            say(f"The sensor has started {latest.run_id} ({latest.trigger})")
            return _ended(session, latest, say, deadline)
        word = _without_seconds(_word(session))
        if word and word != last:
            say(f"The sensor: {_word(session)}")
            last = word
        time.sleep(1.0)
    message = f"no run within {PATIENCE_SECONDS:.0f} s of {batch.batch_id}: see dagster-dev.log"
    raise RunFailed(message)


def _ended(
    session: Session, run: ExecutionRecord, say: Callable[[str], None], deadline: float
) -> ExecutionRecord:
    while not run.status.ended and time.monotonic() < deadline:
        time.sleep(0.5)
        run = session.pipeline.catalog.executions.by_id(run.run_id)
    say(f"It has {run.status.value}: {run.num_points} documents, {run.num_clusters} groups")
    if run.error_message:
        raise RunFailed(run.error_message)
    return run


def _word(session: Session) -> str:
    with open_instance(dagster_home(session.settings)) as instance:
        return last_word(instance, SENSOR) or ""


def _without_seconds(word: str) -> str:
    """The same wait, a few seconds later, is not told again."""
    return "".join(letter for letter in word if not letter.isdigit())


def _apart(first: ExecutionRecord, second: ExecutionRecord) -> float:
    if first.started_at is None or second.started_at is None:
        return 0.0
    return (second.started_at - first.started_at).total_seconds()


def _load(session: Session, passages: pl.DataFrame) -> CollectionRecord:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "passages.parquet"
        passages.write_parquet(file)
        return load(session.pipeline, session.scope, Load(file=file, collection_name=COLLECTION))
