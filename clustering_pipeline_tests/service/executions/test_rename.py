"""Names that people give: through whichever door, by uid, and everywhere within one light run."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import pytest

from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.patch import PatchClusterRequest
from clustering_pipeline.model.errors import (
    DocumentsUnavailable,
    ExecutionInFlight,
    InvalidRequest,
    StateConflict,
)
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.executions.group_edits import ClusterEdits
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.pipeline.run.artifacts import EMBEDDINGS
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.service.executions.launch import launch_rename
from clustering_pipeline.service.executions.rollback import roll_back
from clustering_pipeline.service.results.edits import (
    edits_wait,
    get_edits,
    name_groups,
    put_edits,
    renamed_since,
)
from clustering_pipeline.service.results.groups import published_groups
from clustering_pipeline.service.results.map import visualization
from clustering_pipeline.stores.documents import Documents
from clustering_pipeline_tests.worlds.direct import DirectLauncher, execute
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import KMEANS, World

TWO = KMEANS | {"algorithm_params": {"n_clusters": 2}}
NAME = "By the shore"


@dataclass(frozen=True)
class Place:
    """A definition over two subjects that has run once."""

    world: World
    collection: CollectionRecord
    cluster: ClusterRecord

    @property
    def pipeline(self) -> Pipeline:
        return self.world.pipeline

    @property
    def published(self) -> ExecutionRecord:
        record = self.pipeline.catalog.clusters.by_id(self.cluster.cluster_id)
        return self.pipeline.catalog.executions.by_id(record.state.last_run_id)

    def uid(self, group: str) -> str:
        return next(one.group_uid for one in self.published.centroids if one.cluster_id == group)

    def name(self, **labels: str) -> set[str]:
        """Over the door of an execution."""
        catalog, run = self.pipeline.catalog, self.published
        _, uids = name_groups(catalog, LOCAL, self.cluster.cluster_id, run.run_id, labels)
        return uids

    def edit(self, **edits: object) -> set[str]:
        """Over the door of the edits."""
        catalog, wanted = self.pipeline.catalog, ClusterEdits(**edits)
        return put_edits(catalog, LOCAL, self.cluster.cluster_id, wanted)[1]

    def rename(self, uids: Iterable[str], **stores: object) -> ExecutionRecord | None:
        over = replace(self.pipeline, **stores)
        launched = launch_rename(
            DirectLauncher(pipeline=over), self.pipeline, self.cluster.cluster_id, list(uids)
        )
        return launched and self.pipeline.catalog.executions.by_id(launched.run_id)

    def labels(self) -> list[str | None]:
        groups = published_groups(self.pipeline.catalog, LOCAL, self.cluster.cluster_id).groups
        return [one.label for one in sorted(groups, key=lambda group: group.cluster_id)]

    def drawn(self) -> list[str | None]:
        head = visualization(self.pipeline, LOCAL, self.cluster.cluster_id).head
        return [one.label for one in sorted(head.centroids, key=lambda group: group.cluster_id)]

    def written(self) -> dict[str, int]:
        """Names on the documents, and how many bear each."""
        pages = self.pipeline.documents.scroll(self.collection.qdrant_collection)
        names = [str(point.payload["cluster_label"]) for page in pages for point in page]
        return {name: names.count(name) for name in sorted(set(names))}

    def output(self) -> set[str]:
        """Names in the output collection."""
        state = self.pipeline.catalog.clusters.by_id(self.cluster.cluster_id).state
        pages = self.pipeline.documents.scroll(state.output_collection_ids[0])
        return {str(point.payload["cluster_label"]) for page in pages for point in page}


@pytest.fixture
def place(world: World) -> Place:
    collection = world.collection(planted(sizes={"sea": 12, "court": 8}))
    cluster = world.define(collection, TWO, enrich_source_collection=True)
    execute(world.pipeline, cluster)
    return Place(world, collection, cluster)


@pytest.mark.parametrize("door", ["execution", "edits"])
def test_a_name_is_everywhere_after_one_run_and_gone_after_another(place, door):
    first, own, uid = place.published, place.labels(), place.uid("cl_0")
    uids = place.name(cl_0=NAME) if door == "execution" else place.edit(rename={uid: NAME})
    assert (uids, place.labels(), place.drawn()) == ({uid}, [NAME, own[1]], [NAME, own[1]])
    assert get_edits(place.pipeline.catalog, LOCAL, place.cluster.cluster_id).edits.rename == {
        uid: NAME
    }
    run = place.rename(uids)
    assert (run.plan, run.ledger, run.status, run.edits.rename) == (
        "rename", None, "completed", {uid: NAME}
    )  # fmt: skip
    assert place.published.run_id == run.run_id
    assert place.written() == {NAME: 12, own[1]: 8}
    assert (run.write_back.written, run.write_back.unchanged) == (12, 8)
    assert [one.label for one in run.centroids] == [NAME, own[1]]
    assert run.artifact_key(EMBEDDINGS.file) == first.artifact_key(EMBEDDINGS.file)
    assert run.manifest["input_digest"] == first.manifest["input_digest"]

    taken = place.name(cl_0="") if door == "execution" else place.edit()
    assert place.rename(taken).label_overrides is None
    assert (place.labels(), place.drawn()) == (own, own)
    assert place.written() == {own[0]: 12, own[1]: 8}


def test_names_reach_the_output_collection(world):
    collection = world.collection(planted(sizes={"sea": 12, "court": 8}))
    place = Place(world, collection, world.define(collection, TWO))
    execute(world.pipeline, place.cluster)
    own = place.labels()
    place.rename(place.name(cl_1=NAME))
    assert place.output() == {own[0], NAME}
    place.rename(place.name(cl_1=""))
    assert place.output() == set(own)


def test_a_run_of_names_reads_no_vector_and_scrolls_no_document(place):
    """Of both stores it has what it needs: everything that would give vectors is gone."""
    uids = place.name(cl_0=NAME)
    key = place.published.artifact_key(EMBEDDINGS.file)
    keys = place.pipeline.artifacts.read_frame(key).drop("vector")
    place.pipeline.artifacts.write_frame(key, keys)
    assert place.rename(uids).status == "completed"
    assert place.written()[NAME] == 12


def test_what_is_named_as_it_is_called_starts_nothing(place):
    own = place.labels()
    assert place.rename(place.name(cl_0=own[0])) is None
    assert place.rename(place.name(cl_1="")) is None
    assert place.rename(place.name(cl_0=NAME)) is not None
    assert place.edit(rename={place.uid("cl_0"): NAME}) == set()


def test_a_name_waits_for_the_run_under_way_and_wins(place):
    """The run froze the edits when it began, and carries the name that was taken back since."""
    place.rename(place.name(cl_0="Old"))
    catalog, uid = place.pipeline.catalog, place.uid("cl_0")
    told = []

    def meanwhile(stage: str) -> None:
        if stage == "cluster_labels":
            told.append(place.name(cl_0=""))
            with pytest.raises(ExecutionInFlight, match="is being executed by run_"):
                place.rename({uid})

    execute(place.pipeline, place.cluster, before=meanwhile)
    assert told == [{uid}]
    place.rename({uid})
    assert "Old" not in place.labels()
    assert "Old" not in place.written()
    assert catalog.edits.get(place.cluster.cluster_id).edits.rename == {}


def test_two_names_at_once_are_one_after_the_other(place):
    uids = place.name(cl_0="First") | place.name(cl_0="Second", cl_1="Other")
    assert place.rename(uids).label_overrides == {"cl_0": "Second", "cl_1": "Other"}
    assert place.written() == {"Other": 8, "Second": 12}
    assert place.rename(uids) is None


def test_a_name_for_a_group_that_is_gone_is_told_in_a_sentence(place):
    assert place.edit(rename={"grp_00": "Nobody"}) == {"grp_00"}
    told = get_edits(place.pipeline.catalog, LOCAL, place.cluster.cluster_id)
    assert told.conflicts == ["rename: grp_00 is not there"]
    assert place.rename({"grp_00"}) is None
    with pytest.raises(InvalidRequest, match="has no group 'cl_9': it has cl_0, cl_1"):
        place.name(cl_9="Nobody")


def test_a_name_of_an_earlier_run_names_the_same_group_now(place):
    first = place.published
    place.rename(place.name(cl_1="Before the judge"))
    catalog = place.pipeline.catalog
    _, uids = name_groups(catalog, LOCAL, place.cluster.cluster_id, first.run_id, {"cl_0": NAME})
    assert place.labels() == [NAME, "Before the judge"]
    assert place.rename(uids).label_overrides == {"cl_0": NAME, "cl_1": "Before the judge"}


def test_two_groups_may_bear_one_name(place):
    place.rename(place.name(cl_0=NAME, cl_1=NAME))
    assert (place.labels(), place.written()) == ([NAME, NAME], {NAME: 20})


def test_who_returns_to_an_earlier_run_finds_its_groups_under_the_names_of_today(place):
    """Names alone are no result: the way back leads past them, to other groups."""
    catalog, scope = place.pipeline.catalog, LOCAL
    uids = place.name(cl_0="Old")
    old = place.rename(uids)
    other = execute(place.pipeline, place.cluster)
    new = place.rename(place.name(cl_0=NAME))
    assert renamed_since(catalog, catalog.clusters.by_id(place.cluster.cluster_id)) == set()

    record = roll_back(place.pipeline, scope, place.cluster.cluster_id)
    assert record.state.last_run_id == old.run_id
    assert renamed_since(catalog, record) == uids
    again = place.rename(uids)
    assert (place.labels()[0], place.written()[NAME]) == (NAME, 12)
    assert again.manifest["parent_run_id"] == old.run_id
    with pytest.raises(StateConflict, match=f"no published run before {again.run_id}: name a run"):
        roll_back(place.pipeline, scope, place.cluster.cluster_id)

    record = roll_back(place.pipeline, scope, place.cluster.cluster_id, other.run_id)
    assert (renamed_since(catalog, record), record.state.last_run_id) == (uids, other.run_id)
    record = roll_back(place.pipeline, scope, place.cluster.cluster_id, new.run_id)
    assert (renamed_since(catalog, record), place.rename(set())) == (set(), None)


def test_a_name_that_was_taken_back_does_not_return_with_an_earlier_run(place):
    first, own = place.published, place.labels()
    place.rename(place.name(cl_0=NAME))
    place.rename(place.name(cl_0=""))
    record = roll_back(place.pipeline, LOCAL, place.cluster.cluster_id, first.run_id)
    assert place.rename(renamed_since(place.pipeline.catalog, record)) is None
    assert (place.labels(), place.written()) == (own, {own[0]: 12, own[1]: 8})


def test_names_push_no_result_out(place):
    narrow = replace(place, world=place.world.over(kept_runs=2))
    first, second = place.published, execute(narrow.pipeline, place.cluster)
    for name in ("One", "Two", "Three"):
        run = narrow.rename(narrow.name(cl_0=name))
    files = place.pipeline.artifacts
    assert all(files.exists(kept.members_key) for kept in (first, second, run))
    execute(narrow.pipeline, place.cluster)
    last = execute(narrow.pipeline, place.cluster)
    kept = [one for one in (first, second, run, last) if files.exists(one.members_key)]
    assert kept == [last]


def test_whether_an_execution_is_to_bring_what_people_want(place):
    catalog, cluster_id = place.pipeline.catalog, place.cluster.cluster_id
    assert edits_wait(catalog, cluster_id) is False
    place.edit(rename={place.uid("cl_0"): NAME})
    assert edits_wait(catalog, cluster_id) is False
    place.edit(exclude=["doc_00000"])
    assert edits_wait(catalog, cluster_id) is True
    execute(place.pipeline, place.cluster)
    assert edits_wait(catalog, cluster_id) is False
    unpublished = place.world.define(place.collection, TWO).cluster_id
    assert edits_wait(catalog, unpublished) is False
    put_edits(catalog, LOCAL, unpublished, ClusterEdits(rename={"grp_00": NAME}))
    assert edits_wait(catalog, unpublished) is True


def test_where_qdrant_goes_away_the_next_run_brings_the_name(place):
    """The name is in the catalog, and a run that failed at its documents is finished by another."""
    uids = place.name(cl_0=NAME)
    away = Documents.connect("http://127.0.0.1:9", patience=1.0)
    with pytest.raises(DocumentsUnavailable):
        place.rename(uids, documents=away)
    assert place.labels()[0] == NAME
    assert NAME not in place.written()
    assert place.rename(uids) is not None
    assert place.written()[NAME] == 12


def test_old_overrides_and_edits_stay_in_force(place):
    """Of before names were one thing: on the execution alone, or in the edits alone."""
    catalog, run = place.pipeline.catalog, place.published
    catalog.executions.relabel(LOCAL, run.run_id, {"cl_0": NAME})
    catalog.edits.put(
        place.cluster.cluster_id, ClusterEdits(rename={place.uid("cl_1"): "In court"})
    )
    renamed = place.rename([])
    assert renamed.label_overrides == {"cl_0": NAME, "cl_1": "In court"}
    assert place.written() == {NAME: 12, "In court": 8}


def test_other_edits_wait_for_a_run_that_regroups(place):
    uids = place.edit(rename={place.uid("cl_0"): NAME}, exclude=["doc_00000"])
    run = place.rename(uids)
    assert (run.edits.exclude, place.written()) == ([], {NAME: 12, place.labels()[1]: 8})


def test_a_definition_that_changed_since_shows_its_groups_as_they_were(place):
    patch = PatchClusterRequest(filters={"field": "subject", "operator": "eq", "value": "sea"})
    place.pipeline.catalog.clusters.patch(LOCAL, place.cluster.cluster_id, patch)
    first = place.published
    run = place.rename(place.name(cl_0=NAME))
    assert (run.spec, run.num_points) == (first.spec, 20)
