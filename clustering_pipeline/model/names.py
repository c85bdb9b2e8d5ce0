"""Names that people give: definitions, triggers, namespaces and keys."""

import secrets
import unicodedata
from typing import Annotated

from pydantic import AfterValidator

from clustering_pipeline.model.ids import looks_like_id

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
