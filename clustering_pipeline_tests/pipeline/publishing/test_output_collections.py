"""k-means into an output collection: what a run leaves in each place where somebody looks."""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from threading import Event, Thread
from typing import Any

import numpy as np
import polars as pl
import pytest

from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.pipeline.publishing.output_aliases import repair_aliases
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.service.results.groups import published_groups
from clustering_pipeline.stores.documents import Documents as Store
from clustering_pipeline.stores.documents.connection import Connection
from clustering_pipeline_tests.worlds.direct import execute
from clustering_pipeline_tests.worlds.planted import SIZES, Documents, is_about, planted
from clustering_pipeline_tests.worlds.world import FEATURE, Ran, World

CLUSTERS = {
    "cluster_id": pl.String,
    "group_uid": pl.String,
    "num_members": pl.Int64,
    "variance": pl.Float64,
    "mean_cosine_similarity": pl.Float64,
    "min_cosine_similarity": pl.Float64,
    "nearest_cluster_id": pl.String,
    "separation": pl.Float64,
    "centroid_vector": pl.Array(pl.Float32, 16),
    "label": pl.String,
    "summary": pl.String,
    "keywords": pl.List(pl.String),
    "source": pl.String,
    "representative_ids": pl.List(pl.String),
    "feature_name": pl.String,
    "feature_dimensions": pl.Int64,
    "parent_cluster_id": pl.String,
    "hierarchy_level": pl.Int64,
}
MEMBERS = {
    "collection_id": pl.String,
    "point_id": pl.String,
    "document_id": pl.String,
    "feature_name": pl.String,
    "cluster_id": pl.String,
    "group_uid": pl.String,
    "distance_to_centroid": pl.Float64,
    "probability": pl.Float64,
    "outlier_score": pl.Float64,
    "x": pl.Float32,
    "y": pl.Float32,
    "summary": pl.String,
    "keywords": pl.List(pl.String),
    "cluster_label": pl.String,
    "member_count": pl.Int64,
}


@dataclass(frozen=True, kw_only=True)
class Published:
    """A definition that ran twice."""

    world: World
    documents: Documents
    collection: CollectionRecord
    first: Ran
    second: Ran

    def frame(self, file: str) -> pl.DataFrame:
        return self.world.pipeline.artifacts.read_frame(self.second.execution.artifact_key(file))

    def points(self) -> list[dict]:
        """The payloads that Qdrant's readers find under the output collection's name."""
        alias = self.second.cluster.state.output_collection_ids[0]
        pages = self.world.pipeline.documents.scroll(alias)
        return [point.payload for page in pages for point in page]


@pytest.fixture(scope="module")
def published(world: World) -> Published:
    documents = planted()
    collection = world.collection(documents)
    definition = world.define(collection)
    first = world.execute(definition)
    # As a run leaves it that died between writing its generation and showing it.
    (alias,) = definition.state.output_collection_ids
    world.pipeline.documents.create_collection(f"{alias}__run_dead", {"centroid": 16})
    world.pipeline.documents.set_aliases({alias: None})
    second = world.execute(definition)
    return Published(
        world=world, documents=documents, collection=collection, first=first, second=second
    )


def test_both_runs_succeed(published):
    assert (published.first.result.success, published.second.result.success) == (True, True)


def test_the_groups_are_the_planted_ones_largest_first(published):
    members = published.frame("members.parquet")
    found = dict(members.select("document_id", "cluster_id").iter_rows())
    expected = dict(zip(SIZES, ("cl_0", "cl_1", "cl_2", "cl_3"), strict=True))
    assert found == {
        payload["document_id"]: expected[payload["subject"]]
        for payload in published.documents.payloads
    }


def test_the_catalog_record_is_filled(published):
    cluster, run_id = published.second.cluster, published.second.run_id
    prefix = f"int_local/ns_default/engine_cluster_build/{run_id}"
    state = cluster.state
    assert {
        "status": state.status,
        "error": (state.error, state.failure_category),
        "runs": (state.last_run_id, state.last_attempt_id),
        "task": state.task_id,
        "counts": (state.num_clusters, state.num_documents_clustered),
        "artifacts": (state.parquet_path, state.members_key),
        "noise": state.cluster_stats.noise_points,
        "degenerate": state.quality_metrics["degenerate"],
        "claim": cluster.claim,
    } == {
        "status": "COMPLETED",
        "error": (None, None),
        "runs": (run_id, run_id),
        "task": run_id.replace("run_", "task_"),
        "counts": (4, 300),
        "artifacts": (f"{prefix}/clusters.parquet", f"{prefix}/members.parquet"),
        "noise": 0,
        "degenerate": False,
        "claim": None,
    }
    assert state.quality_metrics["silhouette_score"] > 0.5
    assert state.execution_time_seconds > 0
    assert state.last_executed_at <= state.completed_at


def test_the_execution_is_filled(published):
    execution = published.second.execution
    assert {
        "status": execution.status,
        "counts": (execution.num_clusters, execution.num_points),
        "input": (
            execution.source_documents,
            execution.vectors_retrieved,
            execution.vectors_clustered,
            execution.index_gap,
            execution.pipeline_drop,
        ),
        "ok": (execution.input_reconciliation_ok, execution.input_reconciliation_reasons),
        "stages": [stage.name for stage in execution.stages],
        "groups": [(one.cluster_id, one.num_members) for one in execution.centroids],
        "progress": execution.progress,
        "write_back": execution.write_back,
        "params": execution.params["n_clusters"],
    } == {
        "status": "completed",
        "counts": (4, 300),
        "input": (300, 300, 300, 0, 0),
        "ok": (True, []),
        "stages": [
            "definition",
            "embeddings",
            "reduced_embeddings",
            "assignments",
            "cluster_summaries",
            "cluster_labels",
            "published",
        ],
        "groups": [("cl_0", 110), ("cl_1", 80), ("cl_2", 60), ("cl_3", 50)],
        "progress": None,
        "write_back": None,
        "params": 4,
    }


def test_labels_are_words_of_the_group_and_of_no_other(published):
    groups = published_groups(
        published.world.pipeline.catalog, LOCAL, published.second.cluster.cluster_id
    )
    assert (groups.run_id, groups.total_groups, groups.total_documents) == (
        published.second.run_id,
        4,
        300,
    )
    assert [
        is_about(subject, one.label, *one.keywords)
        for subject, one in zip(SIZES, groups.groups, strict=True)
    ] == [True] * 4


def test_clusters_parquet_is_as_the_contract_says(published):
    clusters = published.frame("clusters.parquet")
    assert dict(clusters.schema) == CLUSTERS
    assert clusters["feature_name"].unique().to_list() == ["embedding"]
    assert clusters["feature_dimensions"].unique().to_list() == [16]
    assert clusters["variance"].min() > 0


def test_a_centroid_is_the_mean_of_its_members(published):
    middle = published.frame("clusters.parquet")["centroid_vector"].to_numpy()[0]
    mean = published.documents.vectors[np.array(published.documents.subjects) == "sea"]
    unit = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    np.testing.assert_allclose(middle, unit.mean(axis=0), atol=1e-5)


def test_members_parquet_is_as_the_contract_says(published):
    members = published.frame("members.parquet")
    assert dict(members.schema) == MEMBERS
    assert members["document_id"].is_sorted()
    assert members["distance_to_centroid"].null_count() == 0
    assert members["x"].n_unique() > 250


def test_the_output_collection_holds_a_point_for_each_group_and_document(published):
    points = published.points()
    centroids = [point for point in points if point["is_centroid"]]
    members = [point for point in points if not point["is_centroid"]]
    assert sorted((one["cluster_id"], one["num_members"]) for one in centroids) == [
        ("cl_0", 110),
        ("cl_1", 80),
        ("cl_2", 60),
        ("cl_3", 50),
    ]
    labels = {one["cluster_id"]: one["label"] for one in centroids}
    assert Counter((one["cluster_id"], one["cluster_label"]) for one in members) == {
        ("cl_0", labels["cl_0"]): 110,
        ("cl_1", labels["cl_1"]): 80,
        ("cl_2", labels["cl_2"]): 60,
        ("cl_3", labels["cl_3"]): 50,
    }
    assert {one["source_document_id"] for one in members} == {
        payload["document_id"] for payload in published.documents.payloads
    }
    assert {one["source_collection_id"] for one in members} == {published.collection.collection_id}


def test_readers_of_qdrant_see_one_generation(published):
    alias = published.second.cluster.state.output_collection_ids[0]
    documents = published.world.pipeline.documents
    current = f"{alias}__{published.second.run_id}"
    assert documents.aliases()[alias] == current
    assert [name for name in documents.collections() if name.startswith(alias)] == [current]
    assert published.second.execution.output_collections == {alias: current}
    points = sum(SIZES.values()) + 4
    assert published.second.execution.generation_reap == [
        {
            "output_collection_id": alias,
            "decision": "reaped",
            "written": points,
            "stale": points,
            "reaped": points,
        }
    ]


def test_the_output_collection_is_registered_once_it_is_made(published):
    state = published.second.cluster.state
    record = published.world.pipeline.catalog.collections.get(
        LOCAL, state.output_collection_names[0]
    )
    assert (record.collection_id, record.output_of, record.made) == (
        state.output_collection_ids[0],
        published.second.cluster.cluster_id,
        True,
    )


def test_source_documents_stay_as_they_were(published):
    payloads = published.world.payloads(published.collection)
    assert [payloads[str(one)] for one in published.documents.ids] == published.documents.payloads


def test_the_same_input_gives_the_same_groups(published):
    read = published.world.pipeline.artifacts.read_frame
    columns = ["document_id", "cluster_id", "distance_to_centroid", "x", "y"]
    first, second = (
        read(ran.execution.artifact_key("members.parquet"), columns)
        for ran in (published.first, published.second)
    )
    assert first.equals(second)


def test_the_manifest_tells_how_to_do_it_again(published):
    key = published.second.execution.artifact_key("manifest.json")
    manifest = published.world.pipeline.artifacts.read_json(key)
    assert manifest["run_id"] == published.second.run_id
    assert manifest["definition"]["vector_config"]["feature_uri"] == FEATURE
    assert (manifest["export"]["retrieved"], manifest["export"]["vector_names"]) == (
        300,
        ["embedding"],
    )
    assert {"hdbscan", "numba", "numpy", "scikit-learn"} <= manifest["versions"].keys()
    json.dumps(manifest, allow_nan=False)


def test_the_map_is_one_file_that_names_the_groups(published):
    key = published.second.execution.artifact_key("map.html")
    page = published.world.pipeline.artifacts.read_bytes(key).decode()
    assert published.second.execution.centroids[0].label in page
    assert "doc_" not in page or published.documents.payloads[0]["text"] in page
    assert 'src="http' not in page


def test_dagster_shows_numbers_to_plot(published):
    numbers = {
        stage: set(published.second.metadata(stage)) - {"dagster/uri"}
        for stage in ("embeddings", "assignments", "published")
    }
    assert numbers == {
        "embeddings": {"documents", "selected", "missing_vector", "invalid", "bytes", "seconds"},
        "assignments": {
            "documents",
            "groups",
            "noise",
            "noise_ratio",
            "mean_probability",
            "bytes",
            "seconds",
            "fit",
        },
        "published": {"documents", "groups", "noise", "seconds", "page", "map", "table", "lineage"},
    }


def test_dagster_shows_the_table_and_the_picture(published):
    shown = published.second.metadata("published")
    first = published.second.execution.centroids[0]
    assert f"| cl\\_0 | {first.label} | 110 |" in shown["table"]
    assert shown["map"].startswith("![map](data:image/png;base64,iVBOR")
    assert len(shown["map"]) < 300_000


class Killed(BaseException):
    """Ends a run as the end of its process does."""


@dataclass
class Watched:
    """A connection that others act between the calls of; they are told of each once."""

    connection: Connection
    before: dict[str, Callable[[], None]] = field(default_factory=dict)
    after: dict[str, Callable[[], None]] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)

    def collections(self, method: str, request: Any) -> Any:
        call = f"{method} {getattr(request, 'collection_name', '')}".strip()
        self.before.pop(call, lambda: None)()
        answer = self.connection.collections(method, request)
        self.after.pop(call, lambda: None)()
        return answer

    def over(self, pipeline: Pipeline) -> Pipeline:
        """The pipeline with this connection."""
        return replace(pipeline, documents=Store(lambda: self))


@pytest.mark.parametrize("dies", [False, True], ids=["that-lives", "that-dies"])
def test_a_repair_that_a_run_overtakes_leaves_the_alias_of_that_run(world, dies):
    cluster = world.define(world.collection(planted(sizes=dict.fromkeys(SIZES, 5))))
    first = world.run(cluster)
    (alias,) = cluster.state.output_collection_ids
    world.pipeline.documents.set_aliases({alias: None})
    reader, writer = (Watched(world.pipeline.documents._connection) for _ in range(2))
    removes, switched = Event(), Event()

    def run() -> None:
        with suppress(Killed):
            execute(writer.over(world.pipeline), cluster)

    thread = Thread(target=run)

    def publish() -> None:
        thread.start()
        assert removes.wait(60)

    def wait() -> None:
        removes.set()
        assert switched.wait(60)

    def die() -> None:
        if dies:
            raise Killed

    def go_on() -> None:
        switched.set()
        thread.join()

    # The run shows its generation and is about to remove the one before; the reader points there;
    # then that is removed, and the alias with it.
    reader.before["UpdateAliases"], reader.after["UpdateAliases"] = publish, go_on
    removal = f"Delete {alias}__{first.run_id}"
    writer.before[removal], writer.after[removal] = wait, die
    assert repair_aliases(reader.over(world.pipeline), cluster.cluster_id)
    published = world.pipeline.catalog.clusters.by_id(cluster.cluster_id).state.last_run_id
    assert world.pipeline.documents.aliases()[alias] == f"{alias}__{published}"
    assert world.pipeline.documents.points(alias) == 5 * len(SIZES) + 4


def test_a_repair_of_a_generation_that_was_removed_changes_nothing(world):
    cluster = world.define(world.collection(planted(sizes=dict.fromkeys(SIZES, 5))))
    world.run(cluster)
    (alias,) = cluster.state.output_collection_ids
    world.pipeline.documents.set_aliases({alias: None})
    reader = Watched(world.pipeline.documents._connection)
    reader.before["UpdateAliases"] = lambda: world.run(cluster)
    assert repair_aliases(reader.over(world.pipeline), cluster.cluster_id)
    published = world.pipeline.catalog.clusters.by_id(cluster.cluster_id).state.last_run_id
    assert world.pipeline.documents.aliases()[alias] == f"{alias}__{published}"
