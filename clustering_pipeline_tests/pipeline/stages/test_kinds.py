"""What lasts of any result lasts of merged faces, of groups within groups, and of a clustering for
each feature: one story for all of them.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pytest

from clustering_pipeline.engine.identity.edits import Groups
from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.create import CreateClusterRequest
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.executions.group_edits import ClusterEdits
from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.pipeline.groups.edits import Documents as Rows
from clustering_pipeline.pipeline.groups.edits import apply_edits
from clustering_pipeline.pipeline.run.spaces import Space
from clustering_pipeline.service.executions.rollback import roll_back
from clustering_pipeline.service.results.verify import verify_documents, verify_run
from clustering_pipeline_tests.worlds.direct import execute
from clustering_pipeline_tests.worlds.planted import Documents, planted
from clustering_pipeline_tests.worlds.world import FEATURE, World

PICTURE = "mixpeek://image_extractor@v1/picture"
FIELDS = {"cluster_id": "topic_id", "cluster_label": "topic"}
NEW = 900


def seen(sizes: dict[str, int], first_id: int, seed: int) -> Documents:
    """Faces: of "sea" and "kitchen", one person under two lights, and of "space"."""
    base = planted(sizes=sizes, spread=0.03, first_id=first_id, seed=seed)
    vectors = base.vectors.copy()
    vectors[:, 4] = [0.0 if one == "space" else 2.0 for one in base.subjects]
    payloads = [
        payload | {"scene_id": "other" if payload["subject"] == "space" else "same"}
        for payload in base.payloads
    ]
    return Documents(vectors=vectors, payloads=payloads, ids=base.ids)


def nested(sizes: dict[str, int], first_id: int, seed: int) -> Documents:
    """Two pairs of subjects, far apart."""
    base = planted(sizes=sizes, spread=0.02, first_id=first_id, seed=seed)
    far = [[5.0 if one in {"sea", "kitchen"} else -5.0] for one in base.subjects]
    vectors = np.hstack([base.vectors, np.array(far)]).astype(np.float32)
    return Documents(vectors=vectors, payloads=base.payloads, ids=base.ids)


def plain(sizes: dict[str, int], first_id: int, seed: int) -> Documents:
    spread = 0.02 if first_id == NEW else 0.05
    return planted(sizes=sizes, spread=spread, first_id=first_id, seed=seed)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One way to make groups: of which documents, by which definition, and how many there are."""

    documents: Callable[[dict[str, int], int, int], Documents]
    sizes: dict[str, int]
    config: dict[str, Any]
    groups: int
    stability: str = "align"
    """How the second map follows the first."""


KMEANS = {"clustering_method": "kmeans", "algorithm_params": {"n_clusters": 2}}
APART = {"feature_uris": [FEATURE, PICTURE], "multi_feature_strategy": "independent"}
KINDS = {
    "faces": Kind(
        documents=seen,
        sizes={"sea": 24, "kitchen": 24, "space": 24},
        config={
            "feature_uri": FEATURE,
            "clustering_method": "hdbscan",
            "algorithm_params": {"min_cluster_size": 10},
            "face_cluster_merge": {"enabled": True},
        },
        groups=2,
    ),
    "levels": Kind(
        documents=nested,
        sizes={"sea": 24, "kitchen": 22, "space": 21, "court": 20},
        config=KMEANS | {"feature_uri": FEATURE, "hierarchical": True, "max_hierarchy_depth": 1},
        groups=6,
    ),
    "features": Kind(
        documents=plain,
        sizes={"sea": 24, "court": 20},
        config=KMEANS | APART,
        groups=4,
        stability="transform",
    ),
    "features-with-outputs": Kind(
        documents=plain,
        sizes={"sea": 24, "court": 20},
        config=KMEANS | APART | {"output_strategy": "per_feature"},
        groups=4,
    ),
}


@dataclass(frozen=True, kw_only=True)
class Story:
    """A definition that writes onto its documents, its runs, and what documents showed after each.

    ``first`` is run twice over the same documents; to ``third``, some were added and one deleted
    before they were assigned; before ``edited``, people wanted something else.
    """

    world: World
    kind: Kind
    collection: CollectionRecord
    onto: ClusterRecord
    first: ExecutionRecord
    second: ExecutionRecord
    assigned: ExecutionRecord
    edited: ExecutionRecord
    gone: str
    renamed: str
    split: str
    shown: dict[str, dict[str, Any]]

    def members(self, run: ExecutionRecord) -> pl.DataFrame:
        return members(self.world, run)

    def groups(self, run: ExecutionRecord) -> dict[tuple[str, str], str]:
        """Document and clustering to group."""
        rows = self.members(run).select("point_id", "feature_name", "cluster_id").iter_rows()
        return {(point, feature): group for point, feature, group in rows}


def members(world: World, run: ExecutionRecord) -> pl.DataFrame:
    return world.pipeline.artifacts.read_frame(run.artifact_key("members.parquet"))


def uids(run: ExecutionRecord) -> dict[str, str]:
    return {one.cluster_id: str(one.group_uid) for one in run.centroids or ()}


def labels(run: ExecutionRecord) -> dict[str, str]:
    names = run.label_overrides or {}
    return {
        str(one.group_uid): names.get(one.cluster_id) or str(one.label)
        for one in run.centroids or ()
    }


def shown(world: World, collection: CollectionRecord) -> dict[str, Any]:
    """Document to what it shows."""
    found = world.payloads(collection)
    return {
        one: [payload.get(field) for field in FIELDS.values()] for one, payload in found.items()
    }


def collected(world: World, kind: Kind) -> CollectionRecord:
    name, documents = world.name("kinds"), kind.documents(kind.sizes, 1, 7)
    sizes = {"embedding": documents.vectors.shape[1], "picture": 8}
    world.pipeline.documents.create_collection(name, sizes, distance="Euclid")
    world.made.append(name)
    add(world, name, documents)
    return world.registered(name)


def add(world: World, name: str, documents: Documents) -> None:
    vectors = {"embedding": documents.vectors, "picture": documents.vectors[:, :8]}
    world.pipeline.documents.upsert(name, documents.ids, vectors, documents.payloads)


def more(world: World, kind: Kind, name: str) -> None:
    add(world, name, kind.documents(dict.fromkeys(kind.sizes, 2), NEW, 8))


def tops(world: World, run: ExecutionRecord) -> dict[str, str]:
    """Subject to the uid of the top group of the first clustering that holds it."""
    found = members(world, run).filter(pl.col("feature_name") == pl.first("feature_name"))
    known = uids(run)
    subjects = {one: payload["subject"] for one, payload in documents_of(world, run).items()}
    return {
        subjects[point]: known[group.partition("_sub_")[0]]
        for point, group in found.select("point_id", "cluster_id").iter_rows()
    }


def documents_of(world: World, run: ExecutionRecord) -> dict[str, dict[str, Any]]:
    key = run.artifact_key("embeddings.parquet")
    rows = world.pipeline.artifacts.read_frame(key, columns=["point_id", "payload"])
    return {point: json.loads(payload) for point, payload in rows.iter_rows()}


@pytest.fixture(scope="module", params=["faces", "levels", "features"])
def story(request: pytest.FixtureRequest, world: World) -> Story:
    kind = KINDS[request.param]
    collection = collected(world, kind)
    mapped = [{"source_field": one, "target_field": to} for one, to in FIELDS.items()]
    onto = world.define(
        collection,
        {"feature_uri": None, **kind.config},
        enrich_source_collection=True,
        source_enrichment_config={"field_mappings": mapped},
    )
    told: dict[str, dict[str, Any]] = {}

    def run(name: str, **overrides: Any) -> ExecutionRecord:
        found = execute(world.pipeline, onto, **overrides)
        told[name] = shown(world, collection)
        return found

    first, second = run("first"), run("second", layout_stability=kind.stability)
    more(world, kind, collection.qdrant_collection)
    gone = next(iter(told["first"]))
    world.pipeline.documents.delete_points(collection.qdrant_collection, point_ids=[gone])
    assigned = run("assigned", mode="assign")
    own = tops(world, assigned)
    deepest = sorted(uids(assigned), key=len)[-1]
    split, renamed = uids(assigned)[deepest], own[next(iter(kind.sizes))]
    edits = ClusterEdits(rename={renamed: "By people"}, split={split: 2}, exclude=["doc_00003"])
    world.pipeline.catalog.edits.put(onto.cluster_id, edits)
    edited = run("edited", defer_visualization=True)
    return Story(
        world=world,
        kind=kind,
        collection=collection,
        onto=onto,
        first=first,
        second=second,
        assigned=assigned,
        edited=edited,
        gone=gone,
        renamed=renamed,
        split=split,
        shown=told,
    )


def test_the_same_documents_are_the_same_groups(story: Story) -> None:
    assert len(uids(story.first)) == story.kind.groups
    assert uids(story.second) == uids(story.first)
    assert labels(story.second) == labels(story.first)
    events = story.world.pipeline.catalog.lineages.find(story.second.run_id).events
    assert [one.event for one in events] == ["continued"] * story.kind.groups
    assert story.groups(story.second) == story.groups(story.first)


def test_the_map_is_moved_by_nothing(story: Story) -> None:
    assert story.second.layout_stability_applied == story.kind.stability
    places = [story.members(one).select("x", "y").to_numpy() for one in (story.first, story.second)]
    assert np.allclose(*places, atol=1e-3)


def test_nothing_is_written_twice(story: Story) -> None:
    count = sum(story.kind.sizes.values())
    assert (story.first.write_back.written, story.first.write_back.failed) == (count, 0)
    assert (story.second.write_back.written, story.second.write_back.unchanged) == (0, count)
    assert story.shown["second"] == story.shown["first"]


def test_new_documents_join_their_like_and_no_group_is_new(story: Story) -> None:
    before, after = story.groups(story.second), story.groups(story.assigned)
    subjects = {
        one: payload["subject"]
        for one, payload in documents_of(story.world, story.assigned).items()
    }
    home = {
        (subjects[point], feature): group
        for (point, feature), group in before.items()
        if point != story.gone
    }
    fresh = {one: group for one, group in after.items() if one not in before}
    assert len(fresh) == 2 * len(story.kind.sizes) * len({feature for _, feature in after})
    assert fresh == {(point, feature): home[subjects[point], feature] for point, feature in fresh}
    assert uids(story.assigned) == uids(story.second)
    assert not [point for point, _ in after if point == story.gone]
    changed = {
        one
        for one, told in story.shown["assigned"].items()
        if told != story.shown["second"].get(one)
    }
    assert changed == {point for point, _ in fresh}
    assert story.assigned.write_back.written == len(changed)


def test_edits_are_applied_and_told(story: Story) -> None:
    run = story.edited
    assert run.edit_conflicts == []
    assert labels(run)[story.renamed] == "By people"
    events = story.world.pipeline.catalog.lineages.find(run.run_id).events
    assert story.split in {one.group_uid for one in events if one.event == "split"}
    assert len(uids(run)) == story.kind.groups + 1
    excluded = story.members(run).filter(document_id="doc_00003")["cluster_id"]
    assert set(excluded) == {NOISE_ID}


def test_every_run_is_as_it_was_written(story: Story) -> None:
    for one in (story.first, story.second, story.assigned, story.edited):
        now = story.world.pipeline.catalog.executions.by_id(one.run_id)
        assert {check.verdict for check in verify_run(story.world.pipeline, now)} == {"same"}


def test_rolled_back_documents_show_what_they_showed(story: Story) -> None:
    pipeline = story.world.pipeline
    for run, name in ((story.second, "second"), (story.assigned, "assigned")):
        record = roll_back(pipeline, LOCAL, story.onto.cluster_id, run.run_id)
        now = shown(story.world, story.collection)
        there = {one: told for one, told in story.shown[name].items() if one != story.gone}
        assert {one: now[one] for one in there} == there
        assert verify_documents(pipeline, record).wrong == 0
        assert {one for one in now if now[one] == [None, None]} == set(now) - set(there)


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_output_collections_follow_the_published_run(world: World, kind: Kind) -> None:
    pipeline, collection = world.pipeline, collected(world, kind)
    beside = world.define(collection, {"feature_uri": None, **kind.config})
    first = execute(pipeline, beside, defer_visualization=True)
    before = outputs(world, beside)
    assert sum(len(one) for one in before) == members(world, first).height + kind.groups
    more(world, kind, collection.qdrant_collection)
    second = execute(pipeline, beside, defer_visualization=True)
    after = outputs(world, beside)
    grown = members(world, second).height + len(uids(second))
    assert sum(map(len, after)) == grown > sum(map(len, before))
    roll_back(pipeline, LOCAL, beside.cluster_id, first.run_id)
    assert outputs(world, beside) == before


def test_relations_are_of_the_groups_that_people_want(story: Story) -> None:
    for run in (story.second, story.edited):
        relations = run.hierarchy_relationships or []
        assert bool(relations) == (len(story.kind.config.get("feature_uris", ())) > 1)
        sizes = {one.cluster_id: one.num_members for one in run.centroids or ()}
        assert [one["child_members"] for one in relations] == [
            sizes[one["child_cluster_id"]] for one in relations
        ]


def test_groups_of_different_features_are_not_merged() -> None:
    spaces = [Space(name=one, number=at, vectors=np.eye(4)) for at, one in enumerate("ab")]
    ids = [f"doc_{number}" for number in range(4)] * 2
    documents = Rows(keys=[str(row) for row in range(8)], ids=ids, spaces=spaces)
    inner = np.array(["grp_1", "grp_1", "grp_2", "grp_2", "grp_3", "grp_3", "grp_4", "grp_4"])
    found = Groups(inner=inner.astype(object), parents=dict.fromkeys(inner, ""))
    edits = ClusterEdits(merge=[["grp_1", "grp_3"], ["grp_2", "grp_4"]])
    wanted = apply_edits(found, edits, documents)
    assert wanted.conflicts == (
        "merge: grp_1, grp_3 are of different features",
        "merge: grp_2, grp_4 are of different features",
    )
    assert wanted.groups.inner.tolist() == inner.tolist()
    apart = apply_edits(found, ClusterEdits(merge=[["grp_1", "grp_2"]]), documents)
    assert (apart.conflicts, set(apart.groups.parents)) == ((), {"grp_1", "grp_3", "grp_4"})


def outputs(world: World, cluster: ClusterRecord) -> list[dict[str, dict[str, Any]]]:
    """Point to payload, of each output collection."""
    state = world.pipeline.catalog.clusters.by_id(cluster.cluster_id).state
    return [
        {point.id: point.payload for page in pages for point in page}
        for pages in map(world.pipeline.documents.scroll, state.output_collection_ids)
    ]


@pytest.mark.parametrize(
    ("config", "groups"),
    [
        pytest.param(APART | {"output_strategy": "per_feature"}, 4, id="apart"),
        pytest.param({"feature_uris": [FEATURE, PICTURE]}, 2, id="together"),
    ],
)
def test_groups_of_several_features_are_grouped(
    world: World, config: dict[str, Any], groups: int
) -> None:
    collection = collected(world, KINDS["features"])
    sources = [world.define(collection, {"feature_uri": None, **KMEANS, **config}) for _ in "ab"]
    for one in sources:
        execute(world.pipeline, one, defer_visualization=True)
    weighed = {} if "output_strategy" in config else {"feature_weights": {PICTURE: 0.5}}
    request = {
        "source_cluster_ids": [one.cluster_id for one in sources],
        "vector_config": {**config, **weighed, **KMEANS},
    }
    catalog = world.pipeline.catalog
    over = catalog.clusters.create(LOCAL, validate(CreateClusterRequest, request))
    found = execute(world.pipeline, over, defer_visualization=True)
    ids = [f"cl_{number}" for number in range(groups)]
    assert found.composite_mapping == {
        run_id: dict(zip(ids, ids, strict=True)) for run_id in found.source_execution_ids or ()
    }
    names = members(world, found)["feature_name"].unique()
    assert len(names) == (2 if groups == 4 else 1)
    documents = sum(KINDS["features"].sizes.values())
    assert [len(one) for one in outputs(world, over)] == [documents + 2] * (groups // 2)
    again = execute(world.pipeline, over, defer_visualization=True)
    assert uids(again) == uids(found)
