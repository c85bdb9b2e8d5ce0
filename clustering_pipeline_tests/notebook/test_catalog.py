"""Stored definitions in a notebook."""

import pytest

from clustering_pipeline import cluster_texts, open_catalog
from clustering_pipeline.model.errors import ClusteringError
from clustering_pipeline_tests.worlds.direct import execute
from clustering_pipeline_tests.worlds.own_stack import own_stack
from clustering_pipeline_tests.worlds.planted import planted

SIZES = {"sea": 30, "court": 20}


@pytest.fixture(scope="module", autouse=True)
def environment(stack, qdrant_url):
    """The worker's embedded stack, and no setting of whoever runs the tests."""
    with own_stack(stack, qdrant_url):
        yield


def test_topics_become_a_definition_that_runs(environment):
    documents = planted(sizes=SIZES)
    topics = cluster_texts(
        [payload["text"] for payload in documents.payloads],
        embeddings=documents.vectors,
        metadata={"subject": documents.subjects},
        method="kmeans",
        params={"n_clusters": 2},
    )
    stored = topics.to_definition("notebook talks", name="notebook topics")
    with open_catalog() as catalog:
        assert catalog.clusters().set_index("cluster_id")["algorithm"][stored] == "kmeans"
        with pytest.raises(ClusteringError, match="has published nothing yet"):
            catalog.groups("notebook topics")
        assert catalog.execute(stored).num_clusters == 2
        groups = catalog.groups(stored)
        assert groups["num_members"].tolist() == [30, 20]
        assert groups["label"].tolist() == topics.groups["label"].tolist()
        members = catalog.members(stored, group="cl_1", fields=["subject"])
        assert members["subject"].tolist() == ["court"] * 20
        assert catalog.find(stored, "verdict")["cluster_id"][0] == "cl_1"
        assert catalog.timeline(stored).iloc[0, 1:3].tolist() == [30, 20]
        assert catalog.group(stored, "cl_0").member_count == 30
    # The same texts again are the same documents.
    again = topics.to_definition("notebook talks", name="notebook topics 2")
    with open_catalog(frames="polars") as catalog:
        execute(catalog.pipeline, catalog.pipeline.catalog.clusters.by_id(again))
        assert catalog.groups(again)["num_members"].sum() == 50
