"""Ids: a prefix that tells the kind, an underscore, and letters and digits only.

Clients check definitions and runs against ``^clust_[a-zA-Z0-9]+$`` and ``^run_[a-zA-Z0-9]+$``.
"""

import re
import secrets

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
