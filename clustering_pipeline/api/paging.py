"""Which page of a list, said in the address; what the body says wins."""

from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Query

from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.listing import LARGEST_OFFSET, ListRequest

Asked = TypeVar("Asked", bound=ListRequest)
_Size = Annotated[int | None, Query(ge=1, le=1000, description="Results on a page.")]
_Cursor = Annotated[
    str | None,
    Query(
        max_length=60_000,
        pattern=r"^[A-Za-z0-9_=-]*$",
        description="Where a page before left off; it goes by three names.",
    ),
]

# What the body says in one way is not said otherwise by the address.
_ONE_QUESTION = ({"limit", "page_size"}, {"offset", "page", "cursor"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The part of a list request that an address may hold."""

    given: dict[str, Any]

    def asked(self, body: Asked | None, kind: type[Asked]) -> Asked:
        """The request that body and address make together."""
        from_body = body.model_dump(mode="json", exclude_none=True) if body else {}
        answered = {name for names in _ONE_QUESTION if names & from_body.keys() for name in names}
        given = {name: value for name, value in self.given.items() if name not in answered}
        return validate(kind, given | from_body)


def _page(
    *,
    limit: _Size = None,
    page_size: _Size = None,
    offset: Annotated[
        int | None, Query(ge=0, le=LARGEST_OFFSET, description="Results to pass over.")
    ] = None,
    page: Annotated[int | None, Query(ge=1, description="Page, counted from 1.")] = None,
    cursor: _Cursor = None,
    next_cursor: _Cursor = None,
    after: _Cursor = None,
    include_total: Annotated[  # noqa: ARG001 - the published client may send it
        bool | None, Query(description="No difference: totals are always there.")
    ] = None,
    search: Annotated[
        str | None, Query(max_length=1000, description="Words that must all occur.")
    ] = None,
) -> Page:
    given = {
        "limit": limit,
        "page_size": page_size,
        "offset": offset,
        "page": page,
        "cursor": cursor or next_cursor or after,
        "search": search,
    }
    return Page(given={name: value for name, value in given.items() if value is not None})


ThePage = Annotated[Page, Depends(_page)]
