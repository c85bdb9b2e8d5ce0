"""What a list request asks for, once cursor, limit, page and offset have been put together."""

import base64
import binascii
import json
import zlib
from dataclasses import dataclass
from typing import Any, Self

from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.errors import InvalidRequest
from clustering_pipeline.model.listing import DEFAULT_LIMIT, LARGEST_OFFSET, ListRequest, SortOption

# A cursor leads as far as there are records; further is nobody's list.
_MOST_RECORDS = 2**31
NEWEST_FIRST = SortOption(field="created_at", direction="desc")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """One page of a question.

    ``as_of`` is when the newest match of the first page was made: what is made later does not
    shift the pages that follow.
    """

    filters: dict[str, Any] | None
    sorts: tuple[SortOption, ...]
    search: str | None
    size: int
    offset: int
    as_of: str | None = None

    @classmethod
    def of(cls, request: ListRequest) -> Self:
        """The question of ``request``; a cursor brings its own and wins over the rest."""
        if request.cursor is not None:
            return cls._resumed(decode_cursor(request.cursor))
        sort = [request.sort] if request.sort else [NEWEST_FIRST]
        size = request.limit or request.page_size or DEFAULT_LIMIT
        return cls(
            filters=request.filters,
            sorts=tuple(request.sorts or sort),
            search=request.search,
            size=size,
            offset=_offset(request, size),
        )

    @classmethod
    def _resumed(cls, facts: dict[str, Any]) -> Self:
        asked = {name: facts.get(name) for name in ("filters", "sorts", "search", "limit")}
        request = validate(ListRequest, asked)
        offset, as_of = facts.get("offset"), facts.get("as_of")
        passes = isinstance(offset, int) and 0 <= offset <= _MOST_RECORDS
        if not passes or not isinstance(as_of, str | None):
            message = "cursor is not one that this service made: take it from a page's next_cursor"
            raise InvalidRequest(message)
        return cls(
            filters=request.filters,
            sorts=tuple(request.sorts or [NEWEST_FIRST]),
            search=request.search,
            size=request.limit or DEFAULT_LIMIT,
            offset=offset,
            as_of=as_of,
        )

    def at(self, offset: int) -> str:
        """The cursor of the same question's page at ``offset``."""
        return encode_cursor(
            {
                "filters": self.filters,
                "sorts": [sort.model_dump() for sort in self.sorts],
                "search": self.search,
                "limit": self.size,
                "offset": offset,
                "as_of": self.as_of,
            }
        )


def _offset(request: ListRequest, size: int) -> int:
    if request.offset is not None:
        return request.offset
    offset = ((request.page or 1) - 1) * size
    if offset > LARGEST_OFFSET:
        message = f"page {request.page} begins beyond {LARGEST_OFFSET:,} results: follow next_page"
        raise InvalidRequest(message)
    return offset


_LARGEST = 1_000_000  # bytes a cursor may unpack to


def encode_cursor(facts: dict[str, Any]) -> str:
    """The facts as text that needs no escaping in an address."""
    packed = zlib.compress(json.dumps(facts, separators=(",", ":")).encode(), 9)
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def decode_cursor(cursor: str) -> dict[str, Any]:
    """The facts in a cursor; raises ``InvalidRequest`` when it is not one of ours."""
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        facts = json.loads(zlib.decompressobj().decompress(packed, _LARGEST))
    except (binascii.Error, zlib.error, ValueError, RecursionError) as error:
        message = "cursor is not one that this service made: take it from a page's next_cursor"
        raise InvalidRequest(message) from error
    return facts if isinstance(facts, dict) else {}
