"""A group, its documents, groups that a query means: as a reader looks into a run."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from clustering_pipeline.model.errors import GroupNotFound, InvalidRequest, StateConflict
from clustering_pipeline.model.executions.group_edits import ClusterEdits
from clustering_pipeline.model.filters.tree import parse_filter
from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.service.results.edits import put_edits
from clustering_pipeline.service.results.group import group_details, group_documents
from clustering_pipeline.service.results.members import members_table
from clustering_pipeline.service.results.search import find_groups
from clustering_pipeline.service.results.segments import comparison, numbers_by_group
from clustering_pipeline.service.results.timeline import timeline, timeline_of_runs
from clustering_pipeline_tests.worlds.planted import planted

SIZES = {"sea": 110, "kitchen": 80, "space": 60, "court": 50}
PLANS = {"sea": "free", "kitchen": "free", "space": "paid", "court": "paid"}
RATINGS = {"sea": 1, "kitchen": 2.5, "space": 4, "court": None}


@pytest.fixture(scope="module")
def documents():
    """Each subject has a plan and a rating, and its documents lie in a month of its own."""
    documents = planted()
    payloads = [
        payload
        | {
            "plan": PLANS[subject],
            "rating": RATINGS[subject],
            "created": f"2024-{1 + list(SIZES).index(subject) * 3:02}-15T23:30:00-02:00",
            "meta": {"seen": [1, 2]},
        }
        for payload, subject in zip(documents.payloads, documents.subjects, strict=True)
    ]
    return replace(documents, payloads=payloads)


@pytest.fixture(scope="module")
def collection(world, documents):
    return world.collection(documents)


@pytest.fixture(scope="module")
def ran(world, collection):
    return world.run(world.define(collection))


@pytest.fixture
def given(world, ran):
    return world.pipeline, LOCAL, ran.cluster.cluster_id


@pytest.fixture(scope="module")
def subject_of(world, ran, documents):
    """Group to its subject."""
    subjects = {row["document_id"]: row["subject"] for row in documents.payloads}
    table = members_table(world.pipeline, LOCAL, ran.cluster.cluster_id)
    return {
        row["cluster_id"]: subjects[row["document_id"]]
        for row in table.unique("cluster_id").to_dicts()
    }


def test_a_group_is_found_by_id_uid_and_label(given, ran):
    groups = ran.execution.centroids
    for group in groups:
        for name in (group.cluster_id, group.group_uid, group.label):
            assert group_details(*given, name).cluster_id == group.cluster_id


def test_a_group_tells_what_it_is_like(given, ran, subject_of):
    largest = group_details(*given, ran.execution.centroids[0].cluster_id)
    assert (largest.member_count, largest.share) == (110, pytest.approx(110 / 300))
    assert subject_of[largest.cluster_id] == "sea"
    assert 0.7 < largest.cohesion < 1
    assert [near.member_count for near in largest.neighbors] != []
    cosines = [near.cosine for near in largest.neighbors]
    assert cosines == sorted(cosines, reverse=True)
    assert len(cosines) == 3
    assert all(text.text for text in largest.representatives)
    assert [event.event for run in largest.history for event in run.events] == ["born"]


def test_fields_that_stand_out_are_those_of_its_documents(given, ran):
    largest = group_details(*given, ran.execution.centroids[0].cluster_id)
    shown = {(field.field, field.value): field for field in largest.fields}
    assert shown["subject", "sea"].share == 1.0
    assert shown["plan", "free"].share_elsewhere == pytest.approx(80 / 190)
    assert not {name for name, _ in shown} & {"document_id", "text", "meta"}


@pytest.mark.parametrize("name", ["cl_99", "grp_0", "", "nobody's", NOISE_ID, "cl_0_sub_0"])
def test_a_group_that_is_not_there_is_said(given, name):
    with pytest.raises(GroupNotFound, match="has no group"):
        group_details(*given, name)


def test_before_the_first_run_nothing_is_there(world, collection):
    cluster = world.define(collection).cluster_id
    for look in (
        lambda: group_details(world.pipeline, LOCAL, cluster, "cl_0"),
        lambda: find_groups(world.pipeline, LOCAL, cluster, "sea"),
        lambda: timeline(world.pipeline, LOCAL, cluster, "created"),
        lambda: timeline_of_runs(world.pipeline, LOCAL, cluster),
        lambda: comparison(world.pipeline, LOCAL, cluster, "plan"),
        lambda: members_table(world.pipeline, LOCAL, cluster),
    ):
        with pytest.raises(StateConflict, match="has published nothing yet: execute it"):
            look()


def test_documents_of_a_group_come_in_pages(given, ran):
    group = ran.execution.centroids[1].cluster_id
    pages = [group_documents(*given, group, offset=start, limit=30) for start in (0, 30, 60, 90)]
    assert [len(page.results) for page in pages] == [30, 30, 20, 0]
    assert {page.total_count for page in pages} == {80}
    shown = [document for page in pages for document in page.results]
    assert len({document.document_id for document in shown}) == 80
    assert {document.payload["subject"] for document in shown} == {"kitchen"}
    distances = [document.distance_to_centroid for document in shown]
    assert distances == sorted(distances)


def test_documents_of_a_group_can_be_filtered(given, ran):
    group = ran.execution.centroids[0].cluster_id
    first = group_documents(*given, group, limit=1).results[0].payload["document_id"]
    condition = parse_filter({"AND": [{"field": "document_id", "operator": "eq", "value": first}]})
    page = group_documents(*given, group, condition=condition)
    assert [document.document_id for document in page.results] == [first]
    assert group_documents(*given, NOISE_ID).total_count == 0


def test_members_carry_their_payload_by_type(given, ran, documents):
    table = members_table(*given)
    assert table.height == 300
    assert table.schema["rating"] == pl.Float64
    assert table.schema["plan"] == pl.String
    assert table["meta"][0] == '{"seen": [1, 2]}'
    assert "payload.document_id" not in table.columns
    by_id = {row["document_id"]: row for row in documents.payloads}
    for row in table.head(20).to_dicts():
        assert row["plan"] == by_id[row["document_id"]]["plan"]
    group = ran.execution.centroids[2]
    some = members_table(*given, group=group.label, fields=["meta.seen", "cluster_id", "nothing"])
    assert some.height == 60
    assert some["meta.seen"].to_list() == ["[1, 2]"] * 60
    assert some["payload.cluster_id"].null_count() == 60
    assert some["nothing"].null_count() == 60


def test_a_query_finds_the_group_of_its_words(given, subject_of):
    for query, subject in (
        ("lighthouses", "sea"),
        ("Garlic DOUGH", "kitchen"),
        ("the rocket orbits", "space"),
        ("verdict, jury; appeal", "court"),
    ):
        answer = find_groups(*given, query)
        assert subject_of[answer.results[0].cluster_id] == subject
        assert {subject_of[row.cluster_id] for row in answer.documents} == {subject}
    scores = [group.score for group in answer.results]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)


def test_a_query_that_fits_nothing_finds_nothing(given):
    answer = find_groups(*given, "zzyzx")
    assert (answer.results, answer.documents) == ([], [])


@pytest.mark.parametrize("query", ["", " ", "...", "12 34", "(["])
def test_a_query_without_a_word_is_refused(given, query):
    with pytest.raises(InvalidRequest, match="no word to look for"):
        find_groups(*given, query)


def test_a_timeline_counts_each_group_in_its_month(given, subject_of):
    answer = timeline(*given, "created")
    assert answer.periods == [f"2024-{month:02}-01" for month in range(1, 11)]
    assert answer.totals == [110, 0, 0, 80, 0, 0, 60, 0, 0, 50]
    assert [sum(group.counts) for group in answer.groups] == [110, 80, 60, 50]
    for group in answer.groups:
        place = list(SIZES).index(subject_of[group.cluster_id]) * 3
        assert group.shares[place] == 1.0
        assert sum(group.shares) == 1.0


def test_a_timeline_begins_its_days_where_it_is_asked_to(given):
    # 23:30 two hours west of Greenwich is half past one of the next day there.
    assert timeline(*given, "created", every="day", zone="UTC").periods[0] == "2024-01-16"
    west = timeline(*given, "created", every="day", zone="America/Noronha")
    assert west.periods[0] == "2024-01-15"


def test_a_timeline_of_runs_is_by_uid(world, ran, given):
    answer = timeline_of_runs(*given)
    assert answer.periods == [ran.run_id]
    assert [group.counts for group in answer.groups] == [[110], [80], [60], [50], [0]]
    assert answer.groups[0].group_uid == ran.execution.centroids[0].group_uid
    assert answer.groups[-1].cluster_id == NOISE_ID


@pytest.mark.parametrize(
    ("field", "sentence"),
    [("nothing", "no document has a 'nothing'"), ("text", "no 'text' of a document is a date")],
)
def test_a_timeline_without_dates_is_refused(given, field, sentence):
    with pytest.raises(InvalidRequest, match=sentence):
        timeline(*given, field)


def test_a_timeline_of_too_many_periods_or_no_zone_is_refused(given):
    with pytest.raises(InvalidRequest, match="more than 2,000 periods of one hour"):
        timeline(*given, "created", every="hour")
    with pytest.raises(InvalidRequest, match="there is no time zone 'Mars/Base'"):
        timeline(*given, "created", zone="Mars/Base")


def test_segments_are_compared(given, subject_of):
    answer = comparison(*given, "plan", values=["paid", "free"])
    assert (answer.values, answer.totals) == (["paid", "free"], [110, 190])
    rows = {subject_of[group.cluster_id]: group.segments for group in answer.groups}
    assert rows["space"][0].share == pytest.approx(60 / 110)
    assert rows["space"][1].documents == 0
    assert rows["space"][0].difference == pytest.approx(60 / 110)
    assert all(cell.differs for cells in rows.values() for cell in cells)
    assert all(cell.low <= cell.share <= cell.high for cells in rows.values() for cell in cells)
    assert (answer.without_value, answer.other_values) == (0, 0)
    only = comparison(*given, "plan", values=["paid"])
    assert only.groups[0].segments[0].difference is None
    assert only.other_values == 190


def test_a_list_is_in_the_segment_of_each_of_its_items(given):
    answer = comparison(*given, "meta.seen")
    assert (answer.values, answer.totals) == (["1", "2"], [300, 300])
    assert not any(cell.differs for group in answer.groups for cell in group.segments)


def test_segments_that_are_not_there_are_refused(given):
    with pytest.raises(InvalidRequest, match="no document has 'gold' at 'plan'; there are: 'free'"):
        comparison(*given, "plan", values=["free", "gold"])
    with pytest.raises(InvalidRequest, match="no document has a value of 'nothing'"):
        comparison(*given, "nothing")
    with pytest.raises(InvalidRequest, match="21 values of 'plan' are too many"):
        comparison(*given, "plan", values=list(map(str, np.arange(21))))


def test_a_number_is_told_by_group(given, subject_of):
    answer = numbers_by_group(*given, "rating")
    means = {subject_of[group.cluster_id]: group.mean for group in answer.groups}
    assert means == {"space": 4.0, "kitchen": 2.5, "sea": 1.0}
    assert [group.mean for group in answer.groups] == [4.0, 2.5, 1.0]
    assert answer.groups[0].total == 240.0
    assert answer.without_number == 50
    with pytest.raises(InvalidRequest, match="has a number at 'plan'"):
        numbers_by_group(*given, "plan")


def test_one_id_in_two_collections_is_two_documents(world):
    sizes = {"sea": 8, "court": 7}
    both = [world.collection(planted(sizes=sizes, seed=seed)) for seed in (1, 2)]
    two = {"clustering_method": "kmeans", "algorithm_params": {"n_clusters": 2}}
    ran = world.run(world.define(both, two))
    cluster = ran.cluster
    given = world.pipeline, LOCAL, cluster.cluster_id
    shown = [
        (text.document_id, text.collection_id)
        for text in group_details(*given, "cl_0").representatives
    ]
    collections = {record.collection_id for record in both}
    table = members_table(*given)
    called = {document for document, _ in shown}
    inside = table.filter(pl.col("document_id").is_in(called), cluster_id="cl_0")
    assert sorted(shown) == sorted(inside.select("document_id", "collection_id").iter_rows())
    assert len(shown) > len(called)
    assert table.height == 2 * sum(sizes.values())
    assert table.group_by("document_id").len()["len"].to_list() == [2] * sum(sizes.values())
    excluded = table["document_id"][0]
    put_edits(world.pipeline.catalog, LOCAL, cluster.cluster_id, ClusterEdits(exclude=[excluded]))
    world.run(cluster)
    noise = members_table(*given).filter(cluster_id=NOISE_ID)
    assert set(noise.select("document_id", "collection_id").iter_rows()) == {
        (excluded, name) for name in collections
    }
