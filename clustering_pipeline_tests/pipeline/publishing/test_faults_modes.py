"""Runs that no full run is are killed too: assigned documents, groups of the pool, composites.

The table of the points is printed: ``pytest -rP`` shows it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest

from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.create import CreateClusterRequest
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.ids import NOISE_ID, run_mark
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline_tests.sizes import FULL
from clustering_pipeline_tests.worlds.direct import execute
from clustering_pipeline_tests.worlds.dying import Places
from clustering_pipeline_tests.worlds.killing import Killing, Subjects, points
from clustering_pipeline_tests.worlds.planted import Documents, planted
from clustering_pipeline_tests.worlds.world import KMEANS, World

FIELDS = {"cluster_id": "topic", "member_count": "topic_size"}
TWO = KMEANS | {"algorithm_params": {"n_clusters": 2}}
# By size, as they come: a first run numbers the first two, the pool makes the others.
NUMBERS = {"sea": "cl_0", "kitchen": "cl_1", "space": "cl_2", "court": "cl_3"}
START: Subjects = dict.fromkeys(range(1, 7), "sea") | dict.fromkeys(range(11, 16), "kitchen")
POOL: Subjects = dict.fromkeys(range(21, 26), "space") | dict.fromkeys(range(31, 35), "court")


def document(number: int, subject: str) -> Documents:
    """One that is the same whenever it comes."""
    made = planted(sizes={subject: 1}, spread=0.02, first_id=number, seed=number)
    return replace(made, payloads=[made.payloads[0] | {"document_id": f"doc-{number}"}])


@dataclass(frozen=True, kw_only=True)
class Planted:
    """Documents in collections, and a definition of groups that have members."""

    world: World
    collections: Sequence[CollectionRecord]
    cluster: ClusterRecord
    known: frozenset[str]
    """The subjects that have groups, if they have documents; others are noise."""
    stays: bool = False
    """Whether runs see other documents because they are asked to, and not because they changed."""
    named: str = "cluster_id"

    def change(self, before: Subjects, after: Subjects) -> None:
        if self.stays:
            return
        (name,) = [one.qdrant_collection for one in self.collections]
        gone = list(before.keys() - after.keys())
        self.world.pipeline.documents.delete_points(name, point_ids=gone)
        for number, subject in after.items():
            if before.get(number) != subject:
                self.world.add(name, document(number, str(subject)))

    def expected(self, subjects: Subjects) -> dict[int, tuple[str, int]]:
        groups = {number: self._group(subject) for number, subject in subjects.items()}
        sizes = Counter(groups.values())
        return {number: (group, sizes[group]) for number, group in groups.items()}

    def grouped(self, subjects: Subjects) -> dict[str, int]:
        found = dict(self.expected(subjects).values())
        return {group: size for group, size in found.items() if group != NOISE_ID}

    def topics(self) -> dict[int, tuple[str, int] | None]:
        found = {}
        for collection in self.collections:
            for number, payload in self.world.payloads(collection).items():
                shown = {*FIELDS.values(), run_mark(self.cluster.cluster_id)} & payload.keys()
                assert len(shown) in (0, 3)  # whole, or not at all
                found[int(number)] = (payload["topic"], payload["topic_size"]) if shown else None
        return found

    def output(self) -> tuple[dict[str, int], dict[str, int]]:
        (alias,) = self.cluster.state.output_collection_ids
        pages = self.world.pipeline.documents.scroll(alias)
        shown = [point.payload for page in pages for point in page]
        groups = {one["cluster_id"]: one["num_members"] for one in shown if one["is_centroid"]}
        members = Counter(one["cluster_id"] for one in shown if not one["is_centroid"])
        return groups, dict(members)

    def _group(self, subject: str | None) -> str:
        return NUMBERS[str(subject)] if subject in self.known else NOISE_ID


def collection_of(world: World, subjects: Subjects) -> CollectionRecord:
    first, *others = [document(number, str(one)) for number, one in subjects.items()]
    made = world.collection(first)
    for one in others:
        world.add(made.qdrant_collection, one)
    return made


def fields(kind: str) -> dict[str, Any]:
    """Of a definition that writes onto its documents, or beside them."""
    if kind == "beside":
        return {}
    mappings = [{"source_field": one, "target_field": other} for one, other in FIELDS.items()]
    return {
        "enrich_source_collection": True,
        "source_enrichment_config": {"field_mappings": mappings},
    }


def joining(world: World, kind: str, *, known: frozenset[str]) -> Planted:
    """Two subjects, grouped by a full run."""
    collection = collection_of(world, START)
    cluster = world.define(collection, TWO, **fields(kind))
    execute(world.pipeline, cluster, defer_visualization=True)
    return Planted(world=world, collections=[collection], cluster=cluster, known=known)


def killed(places: Places, scene: Planted, states: tuple[Subjects, Subjects], asks) -> str:
    killing = Killing(
        pipeline=scene.world.pipeline,
        places=places,
        scene=scene,
        cluster=scene.cluster,
        states=states,
        asks=lambda place: asks(place) | {"defer_visualization": True},
    )
    return killing.at_points(partial(points, every=FULL, ci=1), scene.cluster.name)


def ways(*, ci: str) -> Any:
    """One way to write at CI size, both at full size."""
    return pytest.mark.parametrize("kind", ["onto", "beside"] if FULL else [ci])


@ways(ci="onto")
def test_documents_that_are_assigned(world: World, places: Places, kind: str) -> None:
    scene = joining(world, kind, known=frozenset({"sea", "kitchen"}))
    # One leaves, one comes, one changes its group, and one is about what nobody knows.
    gone = {number: subject for number, subject in START.items() if number != 6}
    other = gone | {5: "kitchen", 7: "sea", 21: "space"}
    print(killed(places, scene, (START, other), lambda _: {"mode": "assign"}))  # noqa: T201 - asked for


@ways(ci="beside")
def test_groups_of_the_pool(world: World, places: Places, kind: str) -> None:
    """They come and go with their documents, and have the same numbers each time."""
    scene = joining(world, kind, known=frozenset(NUMBERS))
    print(killed(places, scene, (START, START | POOL), lambda _: {"from_pool": True}))  # noqa: T201 - asked for


@ways(ci="onto")
def test_groups_of_groups(world: World, places: Places, kind: str) -> None:
    """Of runs that saw all documents, or those of some numbers."""
    rest = {41: "sea", 42: "sea", 43: "sea", 51: "space", 52: "space"}
    some = {"AND": [{"field": "document_id", "operator": "nin", "value": ["doc-1", "doc-41"]}]}
    collections = [collection_of(world, START), collection_of(world, rest)]
    sources = [world.define(one, TWO) for one in collections]
    runs = [
        [execute(world.pipeline, one, defer_visualization=True, filters=filters) for one in sources]
        for filters in (None, some)
    ]
    request = {
        "cluster_name": world.name("composite"),
        "source_cluster_ids": [one.cluster_id for one in sources],
        **fields(kind),
    }
    cluster = world.pipeline.catalog.clusters.create(LOCAL, validate(CreateClusterRequest, request))
    scene = Planted(
        world=world, collections=collections, cluster=cluster, known=frozenset(NUMBERS), stays=True
    )

    def asks(place: int) -> dict[str, Any]:
        return {"mode": "composite", "source_execution_ids": [one.run_id for one in runs[place]]}

    execute(world.pipeline, cluster, defer_visualization=True, **asks(0))
    every = START | rest
    left = {number: subject for number, subject in every.items() if number not in (1, 41)}
    print(killed(places, scene, (every, left), asks))  # noqa: T201 - asked for
