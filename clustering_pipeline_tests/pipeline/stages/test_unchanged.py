"""A second execution on the same data changes nothing: no document, no call, no group's id."""

from collections.abc import Iterator

import pytest

from clustering_pipeline.labeling import LabelingConfig, open_provider
from clustering_pipeline_tests.labeling.loopback import Server, serving, well
from clustering_pipeline_tests.worlds.direct import execute
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import KMEANS, World

SIZES = {"sea": 30, "court": 20}


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(well) as listening:
        yield listening


def test_a_second_execution_writes_nothing_and_asks_nothing(world: World, server: Server) -> None:
    def provider(_config: LabelingConfig):
        return open_provider(api_key="local", base_url=server.base_url, model="tiny")

    collection = world.collection(planted(sizes=SIZES))
    config = KMEANS | {"algorithm_params": {"n_clusters": 2}}
    definition = world.define(
        collection, config, enrich_source_collection=True, llm_labeling={"enabled": True}
    )
    pipeline = world.over(provider_of=provider).pipeline
    first = execute(pipeline, definition)
    asked, shown = server.calls, world.payloads(collection)
    second = execute(pipeline, definition)

    done = second.write_back
    assert (done.status, done.written, done.unchanged, done.removed) == ("completed", 0, 50, 0)
    assert world.payloads(collection) == shown
    assert (asked > 0, server.calls) == (True, asked)
    members = [
        pipeline.artifacts.read_frame(one.artifact_key("members.parquet"))
        for one in (first, second)
    ]
    # The map and the groups' lasting ids are columns of it.
    assert {"group_uid", "x", "y"} <= set(members[0].columns)
    assert members[0].equals(members[1])
    assert second.manifest["input_digest"] == first.manifest["input_digest"]
    assert second.manifest["parent_run_id"] == first.run_id
