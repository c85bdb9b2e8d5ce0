"""Half of the addresses, a batch, a run by itself; the other half, a cooldown, another run."""

import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import click
import polars as pl

from clustering_pipeline.cli.session import Session, open_session
from clustering_pipeline.cli.terminal.output import cell, emit, note
from clustering_pipeline.defs.instance.home import dagster_home, open_instance
from clustering_pipeline.defs.instance.runs import last_word
from clustering_pipeline.local.dagster_dev import running_dagster
from clustering_pipeline.local.stack.spawn import free_port
from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.create import CreateClusterRequest
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.errors import RunFailed
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.service.collections.load import Load, load
from clustering_pipeline.service.results.groups import published_groups
from clustering_pipeline.settings import Settings

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
    os.environ.setdefault("CLUSTERING_DATA_DIR", str(Path(DATA_DIR).absolute()))
    say = partial(_say, time.monotonic())
    with open_session(Settings()) as session:
        halves = _halves()
        collection = _load(session, halves[0])
        say(f"Half of the sample is in Qdrant: {halves[0].height} passages")
        request = validate(CreateClusterRequest, DEFINITION)
        record = session.pipeline.catalog.clusters.apply(session.scope, request)
        say("Starting Dagster with its daemon")
        with running_dagster(session.settings, port=free_port()) as dagster:
            say(f"Dagster runs at {dagster.url}")
            first = _batch(session, record, collection, say)
            _load(session, halves[1])
            say(f"The other half is there as well: {halves[1].height} passages")
            second = _batch(session, record, collection, say)
            apart = _apart(first, second)
            say(f"The runs began {apart:.0f} s apart; the cooldown is {COOLDOWN_SECONDS} s")
            _show(session, record)
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


def _halves() -> tuple[pl.DataFrame, pl.DataFrame]:
    file = files("clustering_pipeline.local") / "data" / "state_of_the_union.parquet"
    passages = pl.read_parquet(Path(str(file)))
    return passages[: passages.height // 2], passages[passages.height // 2 :]


def _load(session: Session, passages: pl.DataFrame) -> CollectionRecord:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "passages.parquet"
        passages.write_parquet(file)
        return load(session.pipeline, session.scope, Load(file=file, collection_name=COLLECTION))


def _show(session: Session, record: ClusterRecord) -> None:
    result = published_groups(session.pipeline.catalog, session.scope, record.cluster_id)
    rows = [
        group.model_dump() | {"keywords": cell((group.keywords or [])[:6])}
        for group in result.groups
    ]
    click.echo()
    emit(rows, columns=("label", "member_count", "keywords"), output="table")


def _say(started: float, text: str) -> None:
    note(f"[{time.monotonic() - started:5.1f} s] {text}")
