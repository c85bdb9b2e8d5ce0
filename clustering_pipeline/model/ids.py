"""Ids: a prefix that tells the kind, an underscore, and letters and digits only.

Clients check definitions and runs against ``^clust_[a-zA-Z0-9]+$`` and ``^run_[a-zA-Z0-9]+$``.
"""

import re
import secrets
import unicodedata
import uuid
from typing import Annotated

from pydantic import AfterValidator

KINDS = ("clust", "run", "task", "trig", "col", "batch", "ns", "int")
NOISE_ID = "cl_cluster_noise"

_LIKE_AN_ID = re.compile(rf"(?:{'|'.join(KINDS)})_[A-Za-z0-9]+")


def new_id(prefix: str) -> str:
    """A fresh id of that kind: ``clust_5f0c…``, 12 random bytes in hex."""
    return f"{prefix}_{secrets.token_hex(12)}"


def run_id_of(dagster_run_id: str) -> str:
    """The execution that belongs to a Dagster run."""
    return f"run_{dagster_run_id.replace('-', '')}"


def task_id_of(root_dagster_run_id: str) -> str:
    """The task of a Dagster run; a retried run shares its root's, so the task lives on."""
    return f"task_{root_dagster_run_id.replace('-', '')}"


def group_id(number: int) -> str:
    """``cl_0`` is the largest group of a first run; -1 is noise."""
    return NOISE_ID if number < 0 else f"cl_{number}"


def looks_like_id(name: str) -> bool:
    """Whether a name could be mistaken for the id of any kind of record."""
    return _LIKE_AN_ID.fullmatch(name) is not None


PREFIX = "clustering_run_"


def run_mark(cluster_id: str) -> str:
    """The payload field that holds the run which last changed a definition's fields there.

    It is written with those fields, in one call.  Later runs that found the same left it alone.
    """
    return f"{PREFIX}{cluster_id}"


MAX_LENGTH = 200


def check_name(name: str) -> str:
    """The name itself; ValueError says which rule it breaks."""
    _refuse(name != name.strip() or not name, "must not be empty or begin or end with a space")
    _refuse(len(name) > MAX_LENGTH, f"must have at most {MAX_LENGTH} characters")
    _refuse(any(map(_unprintable, name)), "must hold printable characters only")
    _refuse(looks_like_id(name), f"must not look like an id, as {name!r} does")
    return name


def generated_name(method: str, collections: list[str]) -> str:
    """A readable name for a definition that came without one: ``hdbscan of speeches 3fa9c2``."""
    subject = collections[0] if len(collections) == 1 else f"{len(collections)} collections"
    suffix = f" {secrets.token_hex(3)}"
    return f"{method} of {subject}"[: MAX_LENGTH - len(suffix)].rstrip() + suffix


def _unprintable(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}


def _refuse(broken: bool, rule: str) -> None:  # noqa: FBT001 - reads as "refuse if"
    if broken:
        raise ValueError(rule)


Name = Annotated[str, AfterValidator(check_name)]


PointId = int | str

_DOCUMENTS = uuid.UUID("2b8e1f5c-7d3a-4f6e-9c01-5a4b3c2d1e0f")
_LARGEST = 2**64


def point_id_of(document_id: object) -> PointId:
    """The point of a document: the id itself where Qdrant takes it, else a UUID made of it."""
    if isinstance(document_id, int) and 0 <= document_id < _LARGEST:
        return document_id
    text = str(document_id)
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return str(uuid.uuid5(_DOCUMENTS, text))
