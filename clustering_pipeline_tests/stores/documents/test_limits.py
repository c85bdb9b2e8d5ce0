"""What a server in production allows: strict mode, slow operations, aliases one after the other."""

from dataclasses import dataclass, field

import pytest
from qdrant_client import grpc

from clustering_pipeline.model.errors import CollectionNotFound, DocumentsRefused
from clustering_pipeline.model.filters.tree import parse_filter
from clustering_pipeline.stores.documents.collections import info, set_aliases
from clustering_pipeline.stores.documents.pushdown import SplitFilter, share_out
from clustering_pipeline.stores.documents.types import Limits
from clustering_pipeline.stores.documents.writing import write_payloads

KEYWORD, FLOAT = grpc.PayloadSchemaType.Keyword, grpc.PayloadSchemaType.Float
STRICT = Limits(unindexed=False, page=30, operands=5, conditions=4, exact=False)
WAITED, UNWAITED = 1.0, 0.1
"""Milliseconds of an operation."""


@dataclass
class Server:
    """Counts what a server would take for operations, which it does one after the other."""

    milliseconds: float = 0.0
    refusal: str | None = None
    asked: int = 0
    gone: frozenset[int] = frozenset()
    written: set[int] = field(default_factory=set)
    waits: list[bool] = field(default_factory=list)

    def collections(self, _method: str, _request) -> grpc.GetCollectionInfoResponse:
        return grpc.GetCollectionInfoResponse()

    def points(self, method: str, request) -> grpc.GetResponse | None:
        if method == "Get":
            self.milliseconds += WAITED
            known = [point for point in request.ids if point.num not in self.gone]
            return grpc.GetResponse(result=[grpc.RetrievedPoint(id=point) for point in known])
        self.asked += 1
        if self.refusal:
            raise DocumentsRefused(self.refusal)
        self.waits.append(request.wait)
        self.milliseconds += len(request.operations) * (WAITED if request.wait else UNWAITED)
        for operation in request.operations:
            ids = operation.set_payload.points_selector.points.ids
            self.written |= {point.num for point in ids}
        return None


def written(server: Server, updates):
    return write_payloads(server, "documents", updates, progress=lambda _: None, check=lambda: None)


def test_values_of_their_own_cost_a_sixth_of_waiting_for_each():
    server = Server()
    report = written(server, [(number, {"n": number}) for number in range(5000)])
    assert (report.written, report.failed) == (5000, 0)
    assert server.milliseconds < 5000 * WAITED / 6
    assert server.waits[-1]
    assert not any(server.waits[:-1])


def test_values_that_many_share_are_one_operation():
    server = Server()
    written(server, [(number, {"group": number % 3}) for number in range(1000)])
    assert server.milliseconds == pytest.approx(2 * WAITED + 3 * UNWAITED)


def test_points_that_are_gone_are_told_without_being_written():
    server = Server(gone=frozenset({3}))
    report = written(server, [(number, {"n": 1}) for number in range(5)])
    assert (report.written, report.failures) == (4, (("3", "there is no point 3"),))
    assert (server.written, report.refusal) == ({0, 1, 2, 4}, None)


def test_a_refusal_of_everything_is_not_asked_for_each_point():
    server = Server(refusal="Wrong input: Shard key not specified")
    report = written(server, [(number, {"n": number}) for number in range(5000)])
    assert (report.written, report.failed, report.refusal) == (0, 5000, server.refusal)
    assert server.asked < 20


@pytest.mark.parametrize(
    ("tree", "indexes"),
    [
        pytest.param({"a": "x"}, {}, id="no-index"),
        pytest.param({"a": "x"}, {"a": FLOAT}, id="an-index-of-another-type"),
        pytest.param({"field": "a", "operator": "exists", "value": False}, {}, id="absent"),
        pytest.param({"a.b": "x"}, {"a.b": KEYWORD}, id="a-list-may-lie-between"),
        pytest.param(
            {"field": "a", "operator": "in", "value": [f"{n}" for n in range(6)]},
            {"a": KEYWORD},
            id="too-many-values-or-conditions",
        ),
    ],
)
def test_what_strict_mode_refuses_is_evaluated_here(tree, indexes):
    filter_ = parse_filter(tree)
    assert share_out(filter_, indexes=indexes, limits=STRICT) == SplitFilter(
        residual=filter_, limits=STRICT
    )


def test_what_is_indexed_is_pushed_down_in_strict_mode():
    absent = parse_filter({"field": "mark", "operator": "exists", "value": False})
    assert share_out(absent, indexes={"mark": KEYWORD}, limits=STRICT).pushed is not None
    above = parse_filter({"field": "n", "operator": "gt", "value": 1})
    assert share_out(above, indexes={"n": FLOAT}, limits=STRICT).residual is None


@dataclass(frozen=True)
class Strict:
    """A connection to a collection with these terms."""

    terms: grpc.StrictModeConfig

    def collections(self, _method: str, _request) -> grpc.GetCollectionInfoResponse:
        config = grpc.CollectionConfig(strict_mode_config=self.terms)
        return grpc.GetCollectionInfoResponse(result=grpc.CollectionInfo(config=config))


def test_terms_count_where_strict_mode_is_on():
    terms = {"max_query_limit": 30, "unindexed_filtering_retrieve": False}
    on, off = (grpc.StrictModeConfig(enabled=enabled, **terms) for enabled in (True, False))
    assert info(Strict(on), "any").limits == Limits(page=30, unindexed=False)
    assert info(Strict(off), "any").limits == Limits()


def test_pages_are_as_large_as_they_may_be():
    assert STRICT.page_of(5000) == 30
    assert Limits().page_of(5000) == 5000
    assert Limits(upsert=20, writes=30).rows_of(1000) == 15


def test_a_switch_that_cannot_be_made_leaves_all_aliases(documents, fill, qdrant):
    collection = fill([])
    documents.set_aliases({f"{collection}-alias": collection})
    with pytest.raises(CollectionNotFound, match="nothing"):
        documents.set_aliases({f"{collection}-alias": "nothing"})
    assert documents.aliases()[f"{collection}-alias"] == collection
    documents.set_aliases({f"{collection}-alias": None})
    assert f"{collection}-alias" not in documents.aliases()


@dataclass
class Aliases:
    """A connection that keeps the actions it is asked for."""

    actions: list = field(default_factory=list)

    def names(self) -> list[str]:
        return ["old", "new"]

    def collections(self, method: str, request):
        if method == "ListAliases":
            known = grpc.AliasDescription(alias_name="shown", collection_name="old")
            return grpc.ListAliasesResponse(aliases=[known])
        self.actions += [action.WhichOneof("action") for action in request.actions]
        return None


def test_no_alias_is_removed_to_be_made_anew():
    server = Aliases()
    set_aliases(server, {"shown": "new"})
    set_aliases(server, {"shown": "old"})
    assert server.actions == ["create_alias"]


@pytest.mark.parametrize("value", ["2024-01-01T00:00:00.1234569Z", "2024-01-01T00:00:00.123456Z"])
@pytest.mark.parametrize("operator", ["eq", "lte", "gte"])
def test_times_finer_than_a_microsecond_are_found(documents, fill, value, operator):
    collection = fill([(1, {"at": value}, None)])
    asked = {"field": "at", "operator": operator, "value": "2024-01-01T00:00:00.123456Z"}
    assert documents.count(collection, parse_filter(asked)) == 1


def test_lists_that_hold_null_are_found(documents, fill):
    collection = fill([(1, {"a": [None, "x"]}, None), (2, {"a": ["x"]}, None), (3, {}, None)])
    asked = {"field": "a", "operator": "is_null", "value": True}
    split = documents.count(collection, parse_filter(asked))
    assert split == 2
