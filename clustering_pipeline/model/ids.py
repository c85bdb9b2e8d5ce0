"""Ids: a prefix that tells the kind, an underscore, and letters and digits only.

Clients check definitions and runs against ``^clust_[a-zA-Z0-9]+$`` and ``^run_[a-zA-Z0-9]+$``.
Groups are numbered within their definition, and say in which group they lie.
"""

import hashlib
import re
import secrets
import uuid
from collections.abc import Sequence
from typing import TypeAlias

KINDS = ("clust", "run", "task", "trig", "col", "batch", "ns", "int")

GroupPath: TypeAlias = tuple[int, ...]
"""A group's number among its siblings, after those of its ancestors."""
NOISE_ID = "cl_cluster_noise"
TOP_ID = r"^cl_(?:\d+|cluster_noise)"
"""What a column of group ids holds of the group on top, itself in noise."""
TOP_NUMBER = r"^cl_(\d+)"
"""Its number; there is none in noise."""

PointId: TypeAlias = int | str

_LIKE_AN_ID = re.compile(rf"(?:{'|'.join(KINDS)})_[A-Za-z0-9]+")
_GROUP = "cl_"
_BELOW = "_sub_"
_DOCUMENTS = uuid.UUID("2b8e1f5c-7d3a-4f6e-9c01-5a4b3c2d1e0f")
_SHARD_SIGN = re.compile("[@#]")
_LARGEST = 2**64
_UUID_LENGTH = 36
_NUMBER = re.compile(r"0|[1-9][0-9]{0,19}")


def new_id(prefix: str) -> str:
    """A fresh id of that kind: ``clust_5f0c…``, 12 random bytes in hex."""
    return f"{prefix}_{secrets.token_hex(12)}"


def looks_like_id(name: str) -> bool:
    """Whether a name could be mistaken for the id of any kind of record."""
    return _LIKE_AN_ID.fullmatch(name) is not None


def run_id_of(dagster_run_id: str, part: str = "") -> str:
    """The execution that belongs to a Dagster run.

    A run of several definitions has one for each of its parts; their ids begin with the run's.
    """
    return f"run_{dagster_run_id.replace('-', '')}{_tail(part)}"


def task_id_of(root_dagster_run_id: str, part: str = "") -> str:
    """The task of a Dagster run; a retried run shares its root's, so the task lives on."""
    return f"task_{root_dagster_run_id.replace('-', '')}{_tail(part)}"


def _tail(part: str) -> str:
    return hashlib.sha256(part.encode()).hexdigest()[:8] if part else ""


def run_mark(cluster_id: str) -> str:
    """The payload field that holds the run which last changed a definition's fields there.

    It is written with those fields, in one call.  Later runs that found the same left it alone.
    """
    return f"clustering_run_{cluster_id}"


def group_id(path: Sequence[int]) -> str:
    """``cl_3`` on top, ``cl_3_sub_1`` below it, and so on."""
    return _GROUP + _BELOW.join(map(str, path))


def group_path(cluster_id: str) -> GroupPath:
    """``(3, 1)`` of ``cl_3_sub_1``."""
    return tuple(map(int, cluster_id.removeprefix(_GROUP).split(_BELOW)))


def is_group_id(text: str) -> bool:
    """Whether a text names a group by its number rather than by its uid."""
    return text.startswith(_GROUP)


def parent_id(cluster_id: str) -> str | None:
    """The group around a group; None on top, and for noise."""
    return cluster_id.rpartition(_BELOW)[0] or None


def below(cluster_id: str) -> str:
    """How the ids of all groups begin that lie in a group."""
    return cluster_id + _BELOW


def dotted_number(cluster_id: str) -> str:
    """``3.1`` of ``cl_3_sub_1``, as people read it."""
    return ".".join(map(str, group_path(cluster_id)))


def point_id_of(document_id: str | int) -> PointId:
    """The point of a new document: the id itself where Qdrant takes it, else a UUID made of it.

    Ids that differ as text have points that differ: only the usual spelling of a number or a UUID
    (``5``, not ``05``; lower case with hyphens) is a point itself.
    """
    text = str(document_id)
    if is_point_id(text):
        return int(text) if text.isdecimal() else text
    return str(uuid.uuid5(_DOCUMENTS, text))


def shard_text(key: str | int | None) -> str:
    """What the text of a point's id says of its shard key: ``@name``, ``#7``, or nothing."""
    return "" if key is None else f"#{key}" if isinstance(key, int) else f"@{key}"


def shard_part(point_id: PointId) -> str:
    """The end of a point's id that says its shard key.

    A collection with shard keys of its own may hold an id once under each of them.
    """
    text = str(point_id)
    start = _SHARD_SIGN.search(text)
    return text[start.start() :] if start else ""


def unsharded(point_id: PointId) -> str:
    """A point's id without its shard key."""
    return str(point_id).removesuffix(shard_part(point_id))


def is_whole(text: str) -> bool:
    """Whether a text is a whole number as people write it: ``-5``, not ``05``."""
    return _NUMBER.fullmatch(text.removeprefix("-")) is not None and text != "-0"


def is_point_id(text: str) -> bool:
    """Whether a text is a point's own id as Qdrant's are shown."""
    if _NUMBER.fullmatch(text):
        return int(text) < _LARGEST
    if len(text) != _UUID_LENGTH:
        return False
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
