"""How Qdrant spells the keys of a payload."""

import re

_PLAIN = re.compile(r"[A-Za-z0-9_-]+")


def quoted(key: str) -> str | None:
    """``key`` as one step of a Qdrant path; None when a path cannot hold it."""
    if _PLAIN.fullmatch(key):
        return key
    return None if not key or '"' in key or "\\" in key else f'"{key}"'
