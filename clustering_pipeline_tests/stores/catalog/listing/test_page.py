import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.errors import InvalidFilter, InvalidRequest
from clustering_pipeline.model.filters.semantics import matches
from clustering_pipeline.model.filters.tree import Operator, parse_filter
from clustering_pipeline.model.listing import ListClustersRequest
from clustering_pipeline.model.scope import LOCAL, Scope
from clustering_pipeline.stores.catalog.listing.fields import CLUSTER_FIELDS, FieldKind
from clustering_pipeline_tests.model.factories import request, vectors
from clustering_pipeline_tests.sizes import size

ELSEWHERE = Scope(organization_id="int_local", namespace_id="ns_other")

# What makes comparing hard: case that folds to more letters, dates as text, lists, nothing at all.
NAMES = ["Straße", "STRASSE", "strasse 2", "K", "İstanbul", "a.b", "50%", "x\\y", "字", "^a$"]
TEXTS = [None, "", "2026-11-21", "2026-11-21T12:00:00Z", "Kelvin \u212a", "end.", "two words"]
FREE = [
    None,
    1,
    1.0,
    True,
    "a",
    "A",
    ["a", 2],
    {"b": "ß", "b.c": 7},
    [{"b": 1}, {"b": "SS"}],
    [["a"]],
]
NUMBERS = [None, 0, 1, 2.5, 100]


@pytest.fixture
def definitions(catalog, speeches):
    """Definitions that differ in everything lists look at."""
    config = vectors(clustering_method="kmeans")
    for number, name in enumerate(NAMES):
        made = catalog.clusters.create(
            LOCAL,
            request(
                cluster_name=name,
                description=TEXTS[number % len(TEXTS)],
                metadata={"free": FREE[number % len(FREE)], "n": number},
                **({"vector_config": config} if number % 3 == 0 else {}),
            ),
        )
        catalog.clusters.update_state(
            made.cluster_id,
            num_clusters=number % 3 or None,
            num_documents_clustered=number * 10 or None,
            execution_time_seconds=NUMBERS[number % len(NUMBERS)],
            status=["PENDING", "COMPLETED", "FAILED"][number % 3],
            llm_labeling_errors=[None, [], ["One", "two"]][number % 3],
            hierarchy_detected=number % 2 == 0,
        )
    return [catalog.clusters.by_id(one) for one in catalog.clusters.ids()]


def ask(catalog, scope=LOCAL, **asked):
    return catalog.clusters.list(scope, validate(ListClustersRequest, asked))


def names(page):
    return [one.cluster_name for one in page.results]


@pytest.mark.usefixtures("definitions")
class TestFilters:
    fields = st.sampled_from(
        [
            "cluster_id",
            "cluster_name",
            "description",
            "algorithm",
            "status",
            "input_collections",
            "llm_labeling_errors",
            "num_clusters",
            "execution_time_seconds",
            "hierarchy_detected",
            "created_at",
            "completed_at",
            "metadata.free",
            "metadata.free.b",
            'metadata.free."b.c"',
            "metadata.n",
            "feature_uris",
            "age",
        ]
    )
    texts = st.sampled_from(
        [*NAMES, *filter(None, TEXTS), "", "ss", "k", "a", "One", "pending", "Kmeans", "2026"]
    )
    scalars = (
        st.none()
        | st.booleans()
        | st.sampled_from([0, 1, 2.5, 100, -3, 2**60])
        | texts
        | st.sampled_from(["2026-11-21T12:00:08.000Z", "2026-11-21T12:00:08.0001Z"])
    )

    @staticmethod
    def operand(operator, texts, scalars):
        if operator in {Operator.IN, Operator.NIN}:
            return st.lists(scalars, max_size=3)
        if operator in {Operator.EXISTS, Operator.IS_NULL}:
            return st.booleans()
        if operator in {Operator.GT, Operator.GTE, Operator.LT, Operator.LTE}:
            return scalars.filter(lambda value: value is not None and not isinstance(value, bool))
        if operator in {Operator.EQ, Operator.NE, Operator.CONTAINS}:
            return scalars | st.lists(scalars, max_size=2)
        return texts.map(lambda text: text.replace("\\", "")) if operator == "regex" else texts

    conditions = st.sampled_from(Operator).flatmap(
        lambda operator: st.fixed_dictionaries(
            {
                "field": TestFilters.fields,
                "operator": st.just(operator.value),
                "value": TestFilters.operand(operator, TestFilters.texts, TestFilters.scalars),
                "case_sensitive": st.booleans(),
            }
        )
    )
    filters = st.recursive(
        conditions,
        lambda items: st.fixed_dictionaries(
            {}, optional={key: st.lists(items, max_size=3) for key in ("AND", "OR", "NOT")}
        ),
        max_leaves=5,
    )

    @settings(
        max_examples=size(ci=150, full=5000),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(asked=st.deferred(lambda: TestFilters.filters))
    def test_the_answer_is_that_of_evaluating_all_of_it_here(self, catalog, definitions, asked):
        wrapped = {"AND": [asked]}
        tree = parse_filter(wrapped)
        views = [one.metadata().model_dump(mode="json") for one in definitions]
        expected = {view["cluster_id"] for view in views if matches(tree, view)}
        page = ask(catalog, filters=wrapped, limit=1000)
        assert {one.cluster_id for one in page.results} == expected
        assert page.total_count == page.stats.total_clusters == len(expected)

    def test_a_definition_of_another_namespace_never_matches(self, catalog):
        assert ask(catalog, ELSEWHERE).total_count == 0

    def test_an_unknown_operator_is_refused(self):
        with pytest.raises(InvalidFilter, match="unknown operator 'like'"):
            validate(
                ListClustersRequest,
                {"filters": {"AND": [{"field": "a", "operator": "like", "value": 1}]}},
            )

    def test_metadata_with_very_many_facts_is_found_all_the_same(self, catalog):
        many = {f"k{number}": number for number in range(500)}
        catalog.clusters.create(LOCAL, request(cluster_name="many", metadata=many))
        assert names(ask(catalog, filters={"metadata.k499": 499})) == ["many"]
        assert names(ask(catalog, filters={"metadata.k499": 498})) == []

    @pytest.mark.parametrize(
        ("operator", "value"), [("eq", 7), ("gte", 7), ("exists", True), ("regex", "7")]
    )
    def test_a_key_with_dots_in_it_is_found(self, catalog, operator, value):
        free = "7" if operator == "regex" else 7
        catalog.clusters.create(LOCAL, request(cluster_name="dots", metadata={"a.b": {"c": free}}))
        asked = {"field": 'metadata."a.b".c', "operator": operator, "value": value}
        assert names(ask(catalog, filters={"AND": [asked]})) == ["dots"]


@pytest.mark.usefixtures("definitions")
class TestSearch:
    @pytest.mark.parametrize(
        ("search", "found"),
        [
            ("strasse", {"Straße", "STRASSE", "strasse 2"}),
            ("SSE stra", {"Straße", "STRASSE", "strasse 2"}),
            ("words TWO", {"50%"}),
            ("50%", {"50%"}),
            ("a.b", {"a.b"}),
            (".*", set()),
            ("(", set()),
            ("words", {"50%"}),
            ("   ", set(NAMES)),
            ("", set(NAMES)),
            ("kmeans 字", set()),
            ("nul\0", set()),
        ],
    )
    def test_words_are_found_wherever_they_stand(self, catalog, search, found):
        assert set(names(ask(catalog, search=search, limit=100))) == found

    def test_ids_and_metadata_are_searched_too(self, catalog, definitions):
        one = definitions[3]
        assert names(ask(catalog, search=one.cluster_id.upper())) == [one.name]
        assert "Straße" not in names(ask(catalog, search="ss", filters={"metadata.n": 7}))


@pytest.mark.usefixtures("definitions")
class TestSort:
    def test_the_newest_come_first(self, catalog):
        assert names(ask(catalog, limit=3)) == NAMES[::-1][:3]

    def test_what_lacks_the_field_counts_as_smallest(self, catalog):
        listed = ask(catalog, sort={"field": "num_clusters"}, limit=100).results
        assert [one.num_clusters for one in listed] == [None] * 4 + [1] * 3 + [2] * 3

    @pytest.mark.parametrize("direction", ["asc", "desc"])
    def test_ties_are_ordered_by_id(self, catalog, direction):
        sort = {"field": "num_clusters", "direction": direction}
        listed = ask(catalog, sort=sort, limit=100).results
        for _, group in itertools.groupby(listed, lambda one: one.num_clusters):
            ids = [one.cluster_id for one in group]
            assert ids == sorted(ids)

    def test_several_fields_win_over_one(self, catalog):
        sorts = [
            {"field": "status"},
            {"field": "cluster_name", "direction": "desc"},
            {"field": "status", "direction": "desc"},
        ]
        listed = ask(catalog, sorts=sorts, sort={"field": "created_at"}, limit=100).results
        keys = [(one.status.value, [-ord(letter) for letter in one.cluster_name]) for one in listed]
        assert keys == sorted(keys)

    @pytest.mark.parametrize(
        "field", ["age", "$where", "metadata.n", "feature_uris", "a..b", "_id"]
    )
    def test_other_fields_are_refused(self, catalog, field):
        with pytest.raises(InvalidRequest, match="cannot sort by"):
            ask(catalog, sort={"field": field})


SORTABLE = sorted(name for name, kind in CLUSTER_FIELDS.items() if kind is not FieldKind.TEXTS)


@pytest.mark.usefixtures("definitions")
def test_what_python_decides_is_sorted_and_summed_as_mongodb_does(catalog):
    decided_here = {"AND": [{"field": "age", "operator": "is_null", "value": True}]}
    for field, direction in itertools.product(SORTABLE, ("asc", "desc")):
        sorts = [{"field": field, "direction": direction}, {"field": "status", "direction": "desc"}]
        asked = {"sorts": sorts, "limit": 5, "offset": 2}
        here = ask(catalog, filters=decided_here, **asked)
        there = ask(catalog, **asked)
        assert (here.results, here.stats) == (there.results, there.stats)
        assert here.pagination.total == there.pagination.total


@pytest.mark.usefixtures("definitions")
def test_a_page_by_name_is_the_same_however_near(catalog):
    conditions = (None, {"description": None}, {"algorithm": "kmeans"})
    for filters, direction in itertools.product(conditions, ("asc", "desc")):
        asked = {"sort": {"field": "cluster_name", "direction": direction}, "filters": filters}
        whole = names(ask(catalog, limit=100, **asked))
        assert whole == sorted(whole, reverse=direction == "desc")
        pages = [names(ask(catalog, limit=1, offset=at, **asked)) for at in range(len(whole))]
        assert pages == [[name] for name in whole]


@pytest.mark.usefixtures("definitions")
class TestPages:
    def walk(self, catalog, **asked):
        page = ask(catalog, **asked)
        pages = [page]
        while page.pagination.next_cursor:
            page = ask(catalog, cursor=page.pagination.next_cursor)
            pages.append(page)
        return pages

    def test_pages_follow_each_other_without_gap_or_overlap(self, catalog):
        pages = self.walk(catalog, limit=4)
        assert [name for page in pages for name in names(page)] == NAMES[::-1]
        assert [page.pagination.page for page in pages] == [1, 2, 3]
        assert {page.pagination.total_pages for page in pages} == {3}
        assert pages[-1].pagination.next_page is None
        assert pages[0].pagination.previous_page is None

    def test_addresses_carry_the_whole_question(self, catalog):
        asked = {
            "limit": 1,
            "filters": {"OR": [{"field": "status", "value": "failed"}]},
            "sort": {"field": "cluster_name"},
            "search": "s",
        }
        pages = self.walk(catalog, **asked)
        assert [name for page in pages for name in names(page)] == names(
            ask(catalog, **{**asked, "limit": 100})
        )
        path, _, cursor = pages[1].pagination.previous_page.partition("?cursor=")
        assert path == "/v1/clusters"
        assert names(ask(catalog, cursor=cursor)) == names(pages[0])

    def test_what_is_made_meanwhile_shifts_nothing(self, catalog):
        first = ask(catalog, limit=4)
        for _ in range(3):
            catalog.clusters.create(LOCAL, request())
        second = ask(catalog, cursor=first.pagination.next_cursor)
        assert names(second) == NAMES[::-1][4:8]
        assert second.total_count == len(NAMES)

    @pytest.mark.parametrize(
        ("asked", "page", "listed"),
        [
            ({"page": 2, "page_size": 4}, 2, 4),
            ({"page": 3, "page_size": 4}, 3, 2),
            ({"page": 99, "page_size": 4}, 99, 0),
            ({"offset": 9}, 1, 1),
            ({"offset": 10_000}, 1001, 0),
            ({"limit": 3, "page_size": 7}, 1, 3),
            ({"limit": 1000}, 1, 10),
            ({}, 1, 10),
        ],
    )
    def test_pages_are_asked_for_in_several_ways(self, catalog, asked, page, listed):
        answer = ask(catalog, **asked)
        assert (answer.pagination.page, len(answer.results)) == (page, listed)
        assert answer.pagination.total == answer.total_count == len(NAMES)

    def test_a_page_far_beyond_is_refused(self, catalog):
        with pytest.raises(InvalidRequest, match="page 12 begins beyond 10,000 results"):
            ask(catalog, page=12, page_size=1000)

    @pytest.mark.parametrize("cursor", ["", "x", "é", "AAAA", "e30", "eJyrrgUAAXUA-Q"])
    def test_a_cursor_of_somebody_elses_is_refused(self, catalog, cursor):
        with pytest.raises(InvalidRequest, match="cursor is not one that this service made"):
            ask(catalog, cursor=cursor)


def test_sums_cover_all_matches(catalog, definitions):
    page = ask(catalog, limit=1, filters={"status": "COMPLETED"})
    assert page.stats.model_dump() == {
        "total_clusters": 3,
        "total_documents": 120,
        "avg_documents_per_cluster": 40.0,
        "clusters_by_status": {"COMPLETED": 3},
    }
    nothing = ask(catalog, search="nothing of the kind")
    assert nothing.stats.total_clusters == nothing.stats.avg_documents_per_cluster == 0
