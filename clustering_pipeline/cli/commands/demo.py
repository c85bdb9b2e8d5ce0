"""The State of the Union addresses, from parquet to named groups on the documents."""

import os
import sys
import time
from contextlib import AbstractContextManager
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import click

from clustering_pipeline.cli.clusters.follow import execute_and_follow
from clustering_pipeline.cli.session import Session, open_session
from clustering_pipeline.cli.terminal.output import cell, emit, live_bar, note
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.create import CreateClusterRequest
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.executions.views import ClusterGroupsResponse
from clustering_pipeline.pipeline.run.artifacts import CLUSTERS, MAP, MEMBERS
from clustering_pipeline.service.collections.load import Load, load
from clustering_pipeline.service.results.groups import published_groups
from clustering_pipeline.settings import Settings

DATA_DIR = ".clustering-demo"
COLLECTION = "state_of_the_union"
NAME = "State of the Union topics"
DEFINITION: dict[str, Any] = {
    "cluster_name": NAME,
    "description": "What presidents have spoken about since 1945.",
    "collection_ids": [COLLECTION],
    "vector_config": {
        "feature_uri": "mixpeek://text_extractor@v1/embedding",
        "clustering_method": "hdbscan",
        "algorithm_params": {"min_cluster_size": 25, "min_samples": 5},
        "preprocessing_steps": [{"method": "umap", "n_components": 10, "n_neighbors": 15}],
    },
    "enrich_source_collection": True,
    "source_enrichment_config": {
        "field_mappings": [
            {"source_field": "cluster_id", "target_field": "topic_id"},
            {"source_field": "cluster_label", "target_field": "topic"},
            {"source_field": "distance_to_centroid", "target_field": "topic_distance"},
        ]
    },
}
PASSAGES = Path(str(files("clustering_pipeline.local") / "data" / f"{COLLECTION}.parquet"))
GROUPS = ("label", "member_count", "keywords")
METRICS = ("silhouette_score", "davies_bouldin_index", "calinski_harabasz_score", "noise_ratio")


@click.command("demo")
@click.option("--automation", is_flag=True, help="Show batches, cooldowns and runs by themselves.")
def command(*, automation: bool) -> None:
    """Cluster the State of the Union addresses and write the topics onto the passages."""
    if automation:
        from clustering_pipeline.cli.commands.demo_automation import run_demo  # noqa: PLC0415

        run_demo()
        return
    say = partial(step, time.monotonic())
    with demo_session(DATA_DIR) as session:
        say("Loading 5,202 passages of the State of the Union addresses into Qdrant")
        sample = Load(file=PASSAGES, collection_name=COLLECTION)
        with live_bar() as show:
            collection = load(session.pipeline, session.scope, sample, partial(show, "loading"))
        cluster_id = define(session, DEFINITION).cluster_id
        before = _document(session, collection.qdrant_collection)
        say("Executing the definition through Dagster")
        execution = execute_and_follow(session, cluster_id, {}, full=True)
        _show(session, execution)
        _show_document(before, _document(session, collection.qdrant_collection))
    say("Done; the stack is stopped. Look at it in Dagster:")
    note(f"  CLUSTERING_DATA_DIR={session.settings.data_dir} {sys.argv[0]} up")


def demo_session(folder: str) -> AbstractContextManager[Session]:
    """A session over a folder of the demo's own, unless told otherwise."""
    os.environ.setdefault("CLUSTERING_DATA_DIR", str(Path(folder).absolute()))
    return open_session(Settings())


def define(session: Session, definition: dict[str, Any]) -> ClusterRecord:
    """The definition, made or changed."""
    request = validate(CreateClusterRequest, definition)
    return session.pipeline.catalog.clusters.apply(session.scope, request)


def show_groups(session: Session, cluster_id: str) -> ClusterGroupsResponse:
    """Prints the published groups."""
    result = published_groups(session.pipeline.catalog, session.scope, cluster_id)
    rows = [
        group.model_dump() | {"keywords": cell((group.keywords or [])[:6])}
        for group in result.groups
    ]
    click.echo()
    emit(rows, columns=GROUPS, output="table")
    return result


def step(started: float, text: str) -> None:
    """Tells what is done, and after how many seconds."""
    note(f"[{time.monotonic() - started:5.1f} s] {text}")


def _document(session: Session, qdrant_collection: str) -> dict[str, Any]:
    page = next(session.pipeline.documents.scroll(qdrant_collection, limit=1))
    return page[0].payload


def _show(session: Session, execution: ExecutionRecord) -> None:
    result = show_groups(session, execution.cluster_id)
    metrics = execution.metrics.model_dump() if execution.metrics else {}
    click.echo(f"\n{result.total_groups} groups of {result.total_documents} documents")
    for name in METRICS:
        click.echo(f"  {name:24} {cell(metrics.get(name))}")
    click.echo("\nStages (seconds)")
    for stage in execution.stages:
        click.echo(f"  {stage.name:24} {stage.seconds:6.2f}")
    click.echo("\nResults")
    for artifact in (CLUSTERS, MEMBERS, MAP):
        click.echo(f"  {session.pipeline.artifacts.uri(execution.artifact_key(artifact.file))}")


def _show_document(before: dict[str, Any], after: dict[str, Any]) -> None:
    for title, payload in (("\nOne passage, before", before), ("and after", after)):
        click.echo(title)
        for name in sorted(payload):
            text = cell(payload[name])
            click.echo(f"  {name:24} {text if len(text) <= 80 else text[:79] + '…'}")
