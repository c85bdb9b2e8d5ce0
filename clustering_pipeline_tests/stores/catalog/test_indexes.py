"""Lists must not read every definition there is."""

import pytest

from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.listing import ListClustersRequest
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.stores.catalog.table import within
from clustering_pipeline_tests.model.factories import request

SUMS = {
    "$group": {
        "_id": "$view.status",
        "count": {"$sum": 1},
        "latest": {"$max": "$view.created_at"},
        "documents": {"$sum": "$view.num_documents_clustered"},
    }
}


@pytest.fixture
def definitions(catalog, speeches):
    made = [catalog.clusters.create(LOCAL, request(cluster_name=str(n))) for n in range(30)]
    for one in made[:3]:
        catalog.clusters.update_state(one.cluster_id, status="FAILED", num_clusters=7)
    return made


def plan_of(database, command):
    answer = database.command("explain", command, verbosity="executionStats")
    stage = answer.get("stages", [{}])[0].get("$cursor", answer)
    return str(stage["queryPlanner"]["winningPlan"]), stage["executionStats"]


@pytest.mark.usefixtures("definitions")
class TestPlans:
    def test_the_newest_are_read_in_order(self, database):
        command = {"find": "clusters", "filter": within(LOCAL), "limit": 5}
        command["sort"] = {"view.created_at": -1, "_id": 1}
        plan, done = plan_of(database, command)
        assert "SORT" not in plan.replace("sortPattern", "")
        assert done["totalDocsExamined"] == 5

    @pytest.mark.parametrize(
        "asked",
        [{"folded.status": "failed"}, {"view.num_clusters": 7}],
        ids=["by-status", "by-number"],
    )
    def test_a_filter_reads_what_it_finds(self, database, asked):
        _, done = plan_of(database, {"find": "clusters", "filter": within(LOCAL, **asked)})
        assert done["totalDocsExamined"] == 3

    @pytest.mark.parametrize(
        "asked",
        [{}, {"folded.status": "failed"}, {"folded.algorithm": "kmeans"}, {"view.num_clusters": 7}],
        ids=["all", "by-status", "by-algorithm", "by-number"],
    )
    def test_sums_read_no_definition(self, database, asked):
        pipeline = [{"$match": within(LOCAL, **asked)}, SUMS]
        _, done = plan_of(database, {"aggregate": "clusters", "pipeline": pipeline, "cursor": {}})
        assert done["totalDocsExamined"] == 0

    def test_a_name_is_found_by_its_index(self, database):
        query = within(LOCAL, **{"view.cluster_name": "7"})
        _, done = plan_of(database, {"find": "clusters", "filter": query})
        assert (done["totalDocsExamined"], done["totalKeysExamined"]) == (1, 1)


def records_read(database) -> int:
    """How many records the worker's mongod has read from its tables so far."""
    return database.command("serverStatus")["metrics"]["queryExecutor"]["scannedObjects"]


def keys_read(database) -> int:
    """How many keys of indexes it has looked at so far."""
    return database.command("serverStatus")["metrics"]["queryExecutor"]["scanned"]


@pytest.mark.usefixtures("definitions")
@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"sort": {"field": "cluster_name"}}, id="names"),
        pytest.param({"search": "text", "sort": {"field": "num_clusters"}}, id="search"),
        pytest.param(
            {
                "filters": {"field": "status", "operator": "in", "value": ["PENDING", "FAILED"]},
                "sort": {"field": "num_documents_clustered", "direction": "desc"},
            },
            id="status",
        ),
        pytest.param(
            {
                "filters": {
                    "AND": [
                        {"field": "algorithm", "operator": "eq", "value": "hdbscan"},
                        {"NOT": [{"field": "num_clusters", "operator": "gte", "value": 9}]},
                    ]
                },
                "sort": {"field": "cluster_name", "direction": "desc"},
            },
            id="several",
        ),
    ],
)
def test_a_list_reads_the_definitions_of_its_page_alone(catalog, database, asked):
    wanted = validate(ListClustersRequest, asked | {"limit": 5})
    before = records_read(database)
    page = catalog.clusters.list(LOCAL, wanted)
    assert records_read(database) - before == 5
    assert page.total_count == 30


@pytest.mark.usefixtures("definitions")
def test_a_definition_is_made_without_reading_what_others_reserved(catalog, database):
    before = records_read(database)
    catalog.clusters.create(LOCAL, request(cluster_name="one more", auto_execute_on_batch=True))
    # Its collection: found, and twice on entering the definition there.
    assert records_read(database) - before <= 4


@pytest.mark.usefixtures("definitions")
@pytest.mark.parametrize(
    ("pattern", "found"), [("^2", 11), ("[02]$", 6), ("(1|2)+9", 2)], ids=["prefix", "end", "group"]
)
def test_a_pattern_reads_the_definitions_of_its_page_alone(catalog, database, pattern, found):
    condition = {"field": "cluster_name", "operator": "regex", "value": pattern}
    asked = {"filters": condition, "sort": {"field": "cluster_name"}, "limit": 2}
    wanted = validate(ListClustersRequest, asked)
    before = records_read(database)
    page = catalog.clusters.list(LOCAL, wanted)
    assert page.total_count == found
    assert records_read(database) - before == 2


@pytest.mark.usefixtures("definitions")
def test_what_python_decides_about_names_reads_the_page_alone(catalog, database):
    condition = {"field": "cluster_name", "operator": "regex", "value": r"^\d+$"}
    for sort in ("cluster_name", "num_clusters", "created_at"):
        asked = {"filters": condition, "sort": {"field": sort}, "limit": 5}
        wanted = validate(ListClustersRequest, asked)
        before = records_read(database)
        page = catalog.clusters.list(LOCAL, wanted)
        assert (page.total_count, records_read(database) - before) == (30, 5)


@pytest.mark.usefixtures("speeches")
def test_metadata_is_looked_at_once(catalog, database):
    """Nor does MongoDB try several indexes, each by reading records, where none helps."""

    def listed(**condition):
        filters = {"AND": [{"field": "metadata.rank", **condition}]}
        wanted = validate(ListClustersRequest, {"filters": filters, "limit": 5})
        before = records_read(database)
        total = catalog.clusters.list(LOCAL, wanted).total_count
        return total, records_read(database) - before

    for number in range(30):
        catalog.clusters.create(LOCAL, request(cluster_name=str(number), metadata={"rank": number}))
    total, read = listed(value=7)
    assert (total, read < 10) == (1, True)
    assert listed(operator="gte", value=25) == (5, 30 + 5)
    assert listed(operator="ne", value=7) == (29, 30 + 5)
    assert listed(operator="exists", value=False) == (0, 30)


@pytest.mark.usefixtures("definitions")
def test_a_near_page_by_name_is_read_from_the_beginning(catalog, database):
    for asked in ({}, {"search": "text"}):
        sort = {"field": "cluster_name", "direction": "desc"}
        wanted = validate(ListClustersRequest, asked | {"sort": sort, "limit": 1})
        before = keys_read(database)
        page = catalog.clusters.list(LOCAL, wanted)
        assert [one.cluster_name for one in page.results] == ["9"]
        # All for the sums, and a few for the page.
        assert keys_read(database) - before < 40
