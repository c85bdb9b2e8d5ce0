"""Every algorithm, strategy and preprocessing step, through all stages from a stored definition."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import adjusted_rand_score

from clustering_pipeline.engine import outlier_scores
from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.errors import InvalidParameters, InvalidRequest, StateConflict
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.service.results.agreement import field_agreement
from clustering_pipeline.service.results.group import group_documents
from clustering_pipeline.stores.artifacts.matrices import vector_matrix
from clustering_pipeline_tests.sizes import FULL
from clustering_pipeline_tests.worlds.direct import execute
from clustering_pipeline_tests.worlds.planted import SUBJECTS, Documents, planted
from clustering_pipeline_tests.worlds.world import FEATURE, KMEANS, Done, World

SECOND = "mixpeek://image_extractor@v1/picture"
FOUR = {"n_clusters": 4}


@pytest.fixture(scope="module")
def documents() -> Documents:
    return planted()


@pytest.fixture(scope="module")
def collection(world: World, documents: Documents) -> CollectionRecord:
    return world.collection(documents)


def agrees(world: World, ran: Done, documents: Documents) -> float:
    """Adjusted Rand index of the published members with the planted subjects."""
    members = world.pipeline.artifacts.read_frame(str(ran.execution.members_key))
    planted_in = dict(
        zip((one["document_id"] for one in documents.payloads), documents.subjects, strict=True)
    )
    subjects = [planted_in[one] for one in members["document_id"]]
    return float(adjusted_rand_score(subjects, members["cluster_id"].to_list()))


@pytest.mark.parametrize(
    ("method", "params"),
    [
        pytest.param("kmeans", FOUR, id="kmeans"),
        pytest.param("agglomerative", FOUR, id="agglomerative"),
        pytest.param("spectral", FOUR, id="spectral"),
        pytest.param("gaussian_mixture", {"n_components": 4}, id="gaussian_mixture"),
        pytest.param("dbscan", {"eps": 0.75, "min_samples": 3}, id="dbscan"),
        pytest.param("hdbscan", {"min_cluster_size": 15}, id="hdbscan"),
        pytest.param("mean_shift", {"bandwidth": 0.8}, id="mean_shift"),
        pytest.param("optics", {"min_samples": 10, "min_cluster_size": 0.1}, id="optics"),
        pytest.param("leiden", {"resolution": 0.5}, id="leiden"),
        # Its compiler takes minutes on a new machine.
        *([pytest.param("evoc", {"base_min_cluster_size": 20}, id="evoc")] if FULL else []),
    ],
)
def test_an_algorithm_finds_what_was_planted_and_its_parameters_are_in_the_catalog(
    world: World,
    collection: CollectionRecord,
    documents: Documents,
    method: str,
    params: dict[str, Any],
) -> None:
    config = {"clustering_method": method, "algorithm_params": params}
    ran = world.run(world.define(collection, config))

    assert agrees(world, ran, documents) > 0.5
    assert ran.execution.params is not None
    assert {name: ran.execution.params[name] for name in params} == params
    manifest = world.pipeline.artifacts.read_json(ran.execution.artifact_key("manifest.json"))
    assert manifest["fit"]["algorithm"] == method
    assert manifest["preprocessing"]["input"]["sha256"]


@pytest.mark.parametrize(
    ("config", "listed", "used"),
    [
        pytest.param(
            {"clustering_method": "hdbscan", "algorithm_params": {"min_cluster_size": 15}},
            34,
            {
                "cosine": {"listed": 34, "searched": 0, "from": "reduced_embeddings"},
                "euclidean": {"listed": 32, "searched": 0, "from": "cosine"},
            },
            id="fit-and-scores",
        ),
        pytest.param(
            KMEANS
            | {"preprocessing_steps": [{"method": "umap", "n_components": 4, "n_neighbors": 20}]},
            21,
            {},
            id="scores",
        ),
    ],
)
def test_neighbours_are_searched_once_in_a_run_and_the_manifest_says_so(
    world: World,
    collection: CollectionRecord,
    config: dict[str, Any],
    listed: int,
    used: dict[str, Any],
) -> None:
    ran = world.run(world.define(collection, config))
    artifacts = world.pipeline.artifacts
    manifest = artifacts.read_json(ran.execution.artifact_key("manifest.json"))
    (kept,) = manifest["preprocessing"]["neighbors"]
    assert (kept["metric"], kept["listed"]) == ("cosine", listed)
    assert kept["searches"] == {"cosine": {"listed": listed, "searched": 300}}
    assert manifest["artifacts"]["neighbors.parquet"]["sha256"]
    assert manifest["preprocessing"]["layout"] == [
        {"feature_name": "embedding", "start": "spectral"}
    ]
    scored = {"euclidean": {"listed": 5, "searched": 0, "from": "reduced_embeddings"}}
    assert manifest["fit"]["neighbors"] == {"fitted": used, "scored": scored}
    exported = artifacts.read_frame(ran.execution.artifact_key("embeddings.parquet"))
    members = artifacts.read_frame(str(ran.execution.members_key))
    expected = outlier_scores(vector_matrix(exported["vector"]))
    assert members["outlier_score"].to_list() == expected.tolist()


def test_neighbours_of_a_sample_serve_its_fit(world: World, collection: CollectionRecord) -> None:
    config = {"clustering_method": "leiden", "sample_size": 200}
    ran = world.run(world.define(collection, config))
    key = ran.execution.artifact_key("manifest.json")
    searches = world.pipeline.artifacts.read_json(key)["fit"]["neighbors"]
    fitted = {"listed": 32, "searched": 0, "from": "reduced_embeddings"}
    assert searches == {
        "fitted": {"cosine": fitted},
        "scored": {"euclidean": {"listed": 7, "searched": 300}},
    }


def test_density_validity_is_measured_where_density_was(
    world: World, collection: CollectionRecord
) -> None:
    reduced = {"preprocessing_steps": [{"method": "pca", "n_components": 4}]}
    config = {"clustering_method": "hdbscan", "algorithm_params": {"min_cluster_size": 15}}
    ran = world.run(world.define(collection, config | reduced))
    manifest = world.pipeline.artifacts.read_json(ran.execution.artifact_key("manifest.json"))
    validity = manifest["fit"]["density_validity"]
    assert (validity["space"], validity["documents"]) == ("4 dimensions after pca", 300)
    assert 0 < validity["value"] <= 1
    further = ran.execution.metrics.additional_properties
    assert further["density_validity"] == validity["value"]
    assert further["density_validity_space"] == validity["space"]
    by_middles = world.run(world.define(collection)).execution
    assert by_middles.metrics.additional_properties["density_validity"] is None


def test_auto_leaves_its_trials_in_the_manifest_and_in_dagster(
    world: World, collection: CollectionRecord, documents: Documents
) -> None:
    ran = world.execute(world.define(collection, {"clustering_method": "auto"}))

    assert ran.result.success
    assert agrees(world, ran, documents) > 0.5
    manifest = world.pipeline.artifacts.read_json(ran.execution.artifact_key("manifest.json"))
    trials = manifest["fit"]["trials"]
    assert len(trials) > 1
    assert ran.metadata("assignments")["fit"]["trials"] == trials


@pytest.mark.parametrize(
    "step",
    [
        pytest.param({"method": "whitening"}, id="whitening"),
        pytest.param({"method": "pca", "n_components": 6}, id="pca"),
        pytest.param({"method": "umap", "n_components": 4, "n_neighbors": 15}, id="umap"),
        pytest.param(
            {"method": "umap", "n_components": 4, "densmap": True, "target": "subject"},
            id="umap-learn",
        ),
        pytest.param({"method": "tsne"}, id="tsne"),
        pytest.param({"method": "none"}, id="none"),
    ],
)
def test_a_preprocessing_step_runs_and_is_recorded(
    world: World, collection: CollectionRecord, documents: Documents, step: dict[str, Any]
) -> None:
    config = {
        "clustering_method": "kmeans",
        "algorithm_params": FOUR,
        "preprocessing_steps": [step],
    }
    ran = world.run(world.define(collection, config))

    assert agrees(world, ran, documents) > 0.5
    manifest = world.pipeline.artifacts.read_json(ran.execution.artifact_key("manifest.json"))
    applied = [one["method"] for one in manifest["preprocessing"]["steps"]]
    assert applied == ([] if step["method"] == "none" else [step["method"]])


def test_a_field_that_explains_the_groups_is_named(
    world: World, collection: CollectionRecord
) -> None:
    ran = world.execute(world.define(collection))

    assert ran.execution.metrics is not None
    shares = ran.execution.metrics.additional_properties["explained_by_fields"]
    assert [one["field"] for one in shares] == ["subject", "year"]
    assert shares[0]["share"] > 0.9
    assert shares[1]["share"] < 0.1
    manifest = world.pipeline.artifacts.read_json(ran.execution.artifact_key("manifest.json"))
    assert manifest["metrics"]["explained_by_fields"] == shares
    shown = ran.metadata("cluster_summaries")
    assert shown["explained_by_fields"] == shares
    assert "'subject' explains" in shown["warning"]


def test_groups_are_compared_with_a_field_when_asked(
    world: World, collection: CollectionRecord, documents: Documents
) -> None:
    ran = world.run(world.define(collection))
    pipeline, cluster_id = world.pipeline, ran.cluster.cluster_id
    (by_subject,) = field_agreement(pipeline, LOCAL, cluster_id, "subject")
    assert by_subject.adjusted_rand_index == pytest.approx(agrees(world, ran, documents))
    assert (by_subject.feature_name, by_subject.documents) == ("embedding", 300)
    assert by_subject.normalized_mutual_information > 0.9
    (by_year,) = field_agreement(pipeline, LOCAL, cluster_id, "year")
    assert by_year.adjusted_rand_index < 0.1
    with pytest.raises(InvalidRequest, match=r"no document in a group of .* has a value of 'mood'"):
        field_agreement(pipeline, LOCAL, cluster_id, "mood")
    with pytest.raises(StateConflict, match="has published nothing yet: execute it"):
        field_agreement(pipeline, LOCAL, world.define(collection).cluster_id, "subject")


def test_groups_are_fitted_on_a_sample_and_the_others_join_them(
    world: World, collection: CollectionRecord, documents: Documents
) -> None:
    config = {"clustering_method": "kmeans", "algorithm_params": FOUR, "sample_size": 120}
    ran = world.run(world.define(collection, config))

    assert ran.execution.num_points == len(documents)
    assert agrees(world, ran, documents) > 0.95
    manifest = world.pipeline.artifacts.read_json(ran.execution.artifact_key("manifest.json"))
    assert manifest["preprocessing"]["fitted"] == 120
    members = world.pipeline.artifacts.read_frame(str(ran.execution.members_key))
    assert members["x"].is_not_null().sum() == 120


@pytest.fixture(scope="module")
def pairs(world: World) -> CollectionRecord:
    """Two pairs of subjects close to each other, the pairs far apart."""
    random = np.random.default_rng(3)
    base = planted(sizes=dict(zip(SUBJECTS, (80, 40, 40, 80), strict=True)), spread=0.02)
    far = np.array([[5.0 if one in SUBJECTS[:2] else -5.0] for one in base.subjects])
    vectors = np.hstack([base.vectors, far, random.normal(scale=0.01, size=far.shape)])
    documents = Documents(vectors=vectors.astype(np.float32), payloads=base.payloads, ids=base.ids)
    return world.collection(documents, distance="Euclid")


@pytest.mark.parametrize(
    "config",
    [
        pytest.param(
            {
                "clustering_method": "kmeans",
                "algorithm_params": {"n_clusters": 2},
                "hierarchical": True,
                "max_hierarchy_depth": 1,
            },
            id="divided-again",
        ),
        pytest.param(
            {
                "clustering_method": "hdbscan",
                "algorithm_params": {"min_cluster_size": 30, "layers": True},
            },
            id="layers-of-one-fit",
        ),
    ],
)
def test_a_hierarchy_has_one_parent_each_and_sizes_that_add_up(
    world: World, pairs: CollectionRecord, config: dict[str, Any]
) -> None:
    ran = world.run(world.define(pairs, config | {"normalize_features": False}))

    clusters = world.pipeline.artifacts.read_frame(str(ran.execution.parquet_path))
    members = world.pipeline.artifacts.read_frame(str(ran.execution.members_key))
    assert sorted(clusters["cluster_id"]) == [
        "cl_0",
        "cl_0_sub_0",
        "cl_0_sub_1",
        "cl_1",
        "cl_1_sub_0",
        "cl_1_sub_1",
    ]
    children = (
        clusters.filter(hierarchy_level=1)
        .group_by("parent_cluster_id")
        .agg(pl.col("num_members").sum())
    )
    tops = clusters.filter(hierarchy_level=0).select("cluster_id", "num_members")
    assert dict(children.iter_rows()) == dict(tops.iter_rows())
    assert set(members["cluster_id"]) == set(clusters.filter(hierarchy_level=1)["cluster_id"])
    assert members.height == clusters.filter(hierarchy_level=0)["num_members"].sum() == 240
    assert ran.execution.num_clusters == 2
    assert ran.cluster.state.hierarchy_detected
    assert clusters["label"].null_count() == 0


def two_features(world: World) -> tuple[CollectionRecord, Documents]:
    """A second vector that says nothing, and that a few documents lack."""
    documents = planted()
    noise = np.random.default_rng(5).normal(size=(len(documents), 8)).astype(np.float32)
    name = world.name("two")
    store = world.pipeline.documents
    store.create_collection(name, {"embedding": 16, "picture": 8})
    world.made.append(name)
    both, one = slice(0, 290), slice(290, None)
    store.upsert(
        name,
        documents.ids[both],
        {"embedding": documents.vectors[both], "picture": noise[both]},
        documents.payloads[both],
    )
    store.upsert(
        name, documents.ids[one], {"embedding": documents.vectors[one]}, documents.payloads[one]
    )
    return world.registered(name), documents


@pytest.mark.parametrize(
    "strategy",
    [
        pytest.param({"feature_weights": {FEATURE: 1.0, SECOND: 0.1}}, id="given-weights"),
        pytest.param(
            {
                "multi_feature_strategy": "weighted",
                "weight_learning_config": {"method": "grid_search", "max_iterations": 6},
            },
            id="weights-by-grid",
        ),
        pytest.param(
            {
                "multi_feature_strategy": "weighted",
                "weight_learning_config": {"method": "bayesian", "max_iterations": 5},
            },
            id="weights-by-bayes",
        ),
    ],
)
def test_several_features_become_one_space(world: World, strategy: dict[str, Any]) -> None:
    collection, documents = two_features(world)
    config = {
        "feature_uri": None,
        "feature_uris": [FEATURE, SECOND],
        "clustering_method": "kmeans",
        "algorithm_params": FOUR,
        **strategy,
    }
    ran = world.run(world.define(collection, config))

    assert ran.execution.vectors_retrieved == 290
    assert ran.execution.index_gap == 10
    assert agrees(world, ran, documents) > 0.7
    learned = ran.cluster.state.learned_weights
    if "weight_learning_config" in strategy:
        assert learned is not None
        assert sum(learned.values()) == pytest.approx(2)
        assert ran.cluster.state.learning_quality_score is not None
    else:
        assert learned is None


def test_faces_that_share_scenes_become_one_group(world: World) -> None:
    base = planted(sizes={"sea": 60, "kitchen": 60, "space": 60}, spread=0.03)
    vectors = base.vectors.copy()
    # "sea" and "kitchen" are one person under two lights: near, and in the same scenes.
    vectors[:, 4] = [0.0 if one == "space" else 2.0 for one in base.subjects]
    scenes = ["other" if one == "space" else "same" for one in base.subjects]
    payloads = [
        payload | {"scene_id": scene} for payload, scene in zip(base.payloads, scenes, strict=True)
    ]
    collection = world.collection(Documents(vectors=vectors, payloads=payloads, ids=base.ids))
    config = {
        "clustering_method": "hdbscan",
        "algorithm_params": {"min_cluster_size": 20},
        "face_cluster_merge": {"enabled": True},
    }
    ran = world.run(world.define(collection, config))

    assert ran.execution.num_clusters == 2
    manifest = world.pipeline.artifacts.read_json(ran.execution.artifact_key("manifest.json"))
    assert manifest["fit"]["face_cluster_merge"] == {"groups_before": 3, "joins": 1}


def test_noise_is_brought_into_groups_and_marked(world: World) -> None:
    strewn = world.collection(planted(strays=30))
    hdbscan = {"clustering_method": "hdbscan", "algorithm_params": {"min_cluster_size": 15}}
    before = world.run(world.define(strewn, hdbscan)).execution
    count = int(before.num_points)
    assert before.pipeline_drop > 0.05 * count
    cluster = world.define(strewn, hdbscan | {"target_noise": 0.02})
    ran = world.run(cluster)
    assert ran.execution.pipeline_drop == int(0.02 * count)
    marked = group_documents(world.pipeline, LOCAL, cluster.cluster_id, "cl_0").results
    every = world.pipeline.artifacts.read_frame(str(ran.execution.members_key))
    by_wish = every.filter(assigned_by="target_noise")
    assert by_wish.height == before.pipeline_drop - ran.execution.pipeline_drop
    assert {each.assigned_by for each in marked} <= {None, "target_noise"}
    joined = execute(world.pipeline, cluster, mode="assign")
    assert joined.num_points == count


def test_as_many_groups_as_wanted_keep_their_uids(
    world: World, collection: CollectionRecord
) -> None:
    cluster = world.define(collection, KMEANS | {"groups_wanted": 7})
    first, second = (world.run(cluster).execution for _ in range(2))
    assert first.num_clusters == 7
    assert second.uids == first.uids
    over = world.define(collection, KMEANS | {"groups_wanted": 10_000})
    with pytest.raises(InvalidParameters, match="groups_wanted is 10000, and 300 documents"):
        world.run(over)
