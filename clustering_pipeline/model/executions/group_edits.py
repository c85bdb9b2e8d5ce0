"""What people want of a definition's groups, whatever the algorithm finds: kept and applied anew at
each run.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Field, model_validator

from clustering_pipeline.model.base import Record, RequestModel, View
from clustering_pipeline.model.errors import InvalidRequest
from clustering_pipeline.model.times import Moment

_UID = r"^grp_[0-9a-f]+$"


def _is_uid(value: Any) -> Any:
    if isinstance(value, str) and re.search(_UID, value) is None:
        message = (
            f"{value[:60]!r} is no group_uid: groups go by their group_uid (grp_…), see "
            "`clusters groups --json`, or the groups as the API lists them"
        )
        raise ValueError(message)
    return value


GroupUid = Annotated[str, Field(pattern=_UID, max_length=100), BeforeValidator(_is_uid)]
DocumentId = Annotated[str, Field(min_length=1, max_length=500)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Parts = Annotated[int, Field(ge=2, le=50)]
Together = Annotated[list[GroupUid], Field(min_length=2, max_length=100)]
Linked = Annotated[list[DocumentId], Field(min_length=2, max_length=1000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Lists of documents that are to be in one group, and of those that are not."""

    must: list[Linked]
    cannot: list[Linked]


class ClusterEdits(RequestModel):
    """An overlay over the groups that runs find; groups go by uid, documents by ``document_id``."""

    refused_as: ClassVar[type[InvalidRequest]] = InvalidRequest

    rename: dict[GroupUid, Name] = Field(default_factory=dict, max_length=1000)
    """Group to the name it bears."""
    pin: list[GroupUid] = Field(default_factory=list, max_length=1000)
    """Groups whose documents stay together as they are; new ones may join."""
    merge: list[Together] = Field(default_factory=list, max_length=1000)
    """Groups that are one: the first of each list, which takes in the others."""
    split: dict[GroupUid, Parts] = Field(default_factory=dict, max_length=1000)
    """Group to the number of parts it is cut into."""
    exclude: list[DocumentId] = Field(default_factory=list, max_length=10_000)
    """Documents that belong to no group, whatever they are linked with."""
    must_link: list[Linked] = Field(default_factory=list, max_length=1000)
    """Documents that belong to one group."""
    cannot_link: list[Linked] = Field(default_factory=list, max_length=1000)
    """Documents that belong to different groups, each to its own."""

    @property
    def links(self) -> "Links":
        """What is asked of documents that may be in groups: an excluded one keeps nobody away."""
        gone = set(self.exclude)

        def left(lists: list[Linked]) -> list[Linked]:
            kept = ([one for one in ids if one not in gone] for ids in lists)
            return [ids for ids in kept if len(ids) > 1]

        return Links(must=left(self.must_link), cannot=left(self.cannot_link))

    @property
    def regroups(self) -> bool:
        """Whether it asks for more than names."""
        return not self.regroups_as(ClusterEdits())

    def regroups_as(self, other: "ClusterEdits") -> bool:
        """Whether both ask for the same groups, whatever their names."""
        return self == other.model_copy(update={"rename": self.rename})

    @model_validator(mode="after")
    def _agree(self) -> Self:
        for problem in self._contradictions():
            raise ValueError(problem)
        return self

    def _contradictions(self) -> Iterator[str]:
        merged = Counter(uid for uids in self.merge for uid in uids)
        if twice := {uid for uid, count in merged.items() if count > 1}:
            yield f"{sorted(twice)[0]} is merged twice: name it in one list"
        if gone := {uid for uids in self.merge for uid in uids[1:]} & set(self.pin):
            yield f"{sorted(gone)[0]} is pinned and merged into another: do one of both"
        for pair in _linked_and_parted(self.must_link, self.cannot_link):
            first, second = sorted(pair)
            yield f"{first!r} and {second!r} must and cannot be linked: drop one of both"


def _linked_and_parted(
    must: Sequence[Sequence[str]], cannot: Sequence[Sequence[str]]
) -> Iterator[tuple[str, str]]:
    """Pairs of documents that stand in one list of both."""
    lists: dict[str, list[int]] = {}
    for number, ids in enumerate(must):
        for uid in set(ids):
            lists.setdefault(uid, []).append(number)
    for ids in cannot:
        met: dict[int, str] = {}
        for uid in dict.fromkeys(ids):
            for number in lists.get(uid, ()):
                if number in met:
                    yield met[number], uid
                met[number] = uid


class EditsRecord(Record):
    """The overlay of one definition as the catalog keeps it."""

    cluster_id: str
    version: int = 0
    edits: ClusterEdits = Field(default_factory=ClusterEdits)
    updated_at: Moment | None = None


class ClusterEditsResponse(View):
    """The overlay of a definition."""

    cluster_id: str
    """The definition."""
    version: int
    """Goes up with each change; 0 before the first."""
    edits: ClusterEdits
    """What people want: names hold at once, all else from the next run on."""
    updated_at: Moment | None = None
    """When it was changed last."""
    conflicts: list[str]
    """What the published run could not do of those it applied, and why."""
