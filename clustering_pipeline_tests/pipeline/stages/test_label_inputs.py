"""What a model is shown of the documents, as a definition maps it."""

from collections.abc import Iterator
from typing import Any

import pytest

from clustering_pipeline.labeling import LabelingConfig, open_provider
from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.errors import InvalidDefinition
from clustering_pipeline_tests.labeling.loopback import Server, serving, well
from clustering_pipeline_tests.worlds.planted import Documents, planted
from clustering_pipeline_tests.worlds.world import FEATURE, KMEANS, VECTOR, World

CONFIG = KMEANS | {"algorithm_params": {"n_clusters": 2}}
PIXEL = "data:image/png;base64,iVBORw0KGgo="


@pytest.fixture(scope="module")
def collection(world: World) -> CollectionRecord:
    base = planted(sizes={"sea": 12, "court": 8})
    payloads = [
        one | {"photo": {"url": f"https://example.org/{at}"}, "icon": PIXEL}
        for at, one in enumerate(base.payloads)
    ]
    return world.collection(Documents(vectors=base.vectors, payloads=payloads, ids=base.ids))


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(well) as listening:
        yield listening


def labeling(*mappings: dict[str, Any]) -> dict[str, Any]:
    return {
        "enabled": True,
        "cache_ttl_seconds": 0,
        "labeling_inputs": {"input_mappings": list(mappings)},
    }


def shown(world: World, server: Server, collection: CollectionRecord, *mappings: dict[str, Any]):
    """The content of one question, as the server got it."""

    def provider(_config: LabelingConfig):
        return open_provider(api_key="local", base_url=server.base_url, model="tiny")

    definition = world.define(collection, CONFIG, llm_labeling=labeling(*mappings))
    ran = world.over(provider_of=provider).execute(definition)
    assert ran.execution.llm_labeling_errors is None
    return server.requests[0]["messages"][1]["content"]


TEXT = {"input_key": "said", "path": "text"}


def test_pictures_go_as_parts_of_their_own(world, collection, server):
    photo = {"input_key": "photo", "path": "photo", "source_type": "blob"}
    icon = {"input_key": "icon", "path": "icon"}
    text, *pictures = shown(world, server, collection, TEXT, photo, icon)
    addresses = [one["image_url"]["url"] for one in pictures]
    assert {one["type"] for one in pictures} == {"image_url"}
    assert len(addresses) == 6
    assert addresses[1::2] == [PIXEL] * 3
    assert all(one.startswith("https://example.org/") for one in addresses[::2])
    assert "said: " in text["text"]
    assert "example.org" not in text["text"]


@pytest.mark.parametrize("path", [FEATURE, VECTOR])
def test_a_vector_tells_how_near_a_document_is(world, collection, server, path):
    nearness = {"input_key": "nearness", "path": path, "source_type": "vector"}
    fixed = {"input_key": "source", "source_type": "literal", "override": "a newspaper"}
    text = shown(world, server, collection, TEXT, nearness, fixed)
    near = [line for line in text.splitlines() if line.startswith("nearness: ")]
    values = [float(line.split()[1]) for line in near]
    assert len(values) >= 3
    assert values == sorted(values, reverse=True)
    assert min(values) > 0.8
    assert "source: a newspaper" in text


@pytest.mark.parametrize(
    ("config", "there"),
    [
        pytest.param({"vector_config": CONFIG}, "there is: embedding, mixpeek://", id="vectors"),
        pytest.param(
            {
                "vector_config": None,
                "cluster_type": "attribute",
                "attribute_config": {"attributes": ["subject"]},
            },
            "none, for attributes",
            id="attributes",
        ),
    ],
)
def test_a_vector_the_definition_does_not_use_is_refused(world, collection, config, there):
    unknown = {"input_key": "v", "path": "image", "source_type": "vector"}
    with pytest.raises(InvalidDefinition, match=there):
        world.define(collection, **config, llm_labeling=labeling(TEXT, unknown))
