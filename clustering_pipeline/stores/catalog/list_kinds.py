"""What there is to know about one kind of record to list it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from clustering_pipeline.stores.catalog.covering import Covering, Order, covering, scanning
from clustering_pipeline.stores.catalog.list_fields import FieldKind
from clustering_pipeline.stores.catalog.table import Query, Table

STATUS = "view.status"
CREATED = "view.created_at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One kind of record: its table, the fields clients see, and what is summed over matches."""

    table: Table
    fields: Mapping[str, FieldKind]
    public: frozenset[str]
    """The top-level fields of the view that exist for clients."""
    free_form: frozenset[str] = frozenset()
    """Those of them that are told in ``facts``."""
    sums: Mapping[str, str] = field(default_factory=dict)
    """Name to the path of a number, summed per status."""
    counts: Mapping[str, str] = field(default_factory=dict)
    """Name to a path; counted per status where it leads to anything."""
    covered: Sequence[Covering] = ()
    """Indexes that hold what most questions look at, sums included."""
    orders: Sequence[Order] = ()
    """Indexes by which a page can be read from its beginning."""
    unique: frozenset[str] = frozenset()
    """Sort keys that no two records share."""

    def index(self, query: Query, *, also: Iterable[str] = ()) -> str | None:
        """The index to answer by: one that holds ``also`` too, or one to read all records by."""
        return covering(query, self.covered, also=also) or scanning(query, self.covered)

    def summing(self) -> dict[str, Any]:
        """The sums of a status as MongoDB makes them."""
        return {
            "count": {"$sum": 1},
            "latest": {"$max": f"${CREATED}"},
            **{name: {"$sum": f"${path}"} for name, path in self.sums.items()},
            **{name: {"$sum": _one_if_given(path)} for name, path in self.counts.items()},
        }


def _one_if_given(path: str) -> dict[str, Any]:
    return {"$cond": [{"$gt": [f"${path}", None]}, 1, 0]}
