"""Feature URIs, and which vector of a collection one means."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Self

from clustering_pipeline.model.errors import InvalidDefinition, UnknownVector

_FORM = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<extractor>[^@/\s]+)@(?P<version>[^@/\s]+)"
    r"(?:/(?P<output>\S+?)?)?/*"
)


@dataclass(frozen=True, kw_only=True)
class FeatureURI:
    """``scheme://extractor@version/output``; the output part may be missing."""

    scheme: str
    extractor: str
    version: str
    output: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a URI; raises ``InvalidDefinition`` when it has another form."""
        match = _FORM.fullmatch(text.strip())
        if match is None:
            message = f"feature URI {text!r} is not of the form scheme://extractor@version/output"
            raise InvalidDefinition(message)
        return cls(**match.groupdict())

    @property
    def canonical(self) -> str:
        """The URI as text, without stray slashes."""
        address = f"{self.scheme}://{self.extractor}@{self.version}"
        return f"{address}/{self.output}" if self.output is not None else address

    @property
    def vector_names(self) -> tuple[str, ...]:
        """The names a vector of this feature usually has, most specific last."""
        if self.output is None:
            return ()
        return self.output, f"{self.extractor}_{self.version}_{self.output}"


def resolve_vector(
    uri: str,
    registered: Mapping[str, str],
    vectors: Collection[str],
    *,
    collection: str = "",
    unusable: Mapping[str, str] | None = None,
) -> str:
    """The name of the vector that ``uri`` means in a collection that has ``vectors``.

    In this order: what the collection registered for the URI, a vector named as the output, one
    named ``extractor_version_output``, and the only vector there is when it has no name, or the
    URI no output part.  Raises ``UnknownVector`` naming the vectors there are, and those that are
    ``unusable``, each with what it is.
    """
    feature = FeatureURI.parse(uri)
    stated = [registered[key] for key in (uri, feature.canonical) if key in registered]
    for name in stated or feature.vector_names:
        if name in vectors:
            return name
    only = next(iter(vectors)) if len(vectors) == 1 else None
    if not stated and (only == "" or feature.output is None) and only is not None:
        return only
    place = f"collection {collection!r}" if collection else "the collection"
    known = ", ".join(name or "(unnamed)" for name in sorted(vectors)) or "none"
    message = f"{place} has no vector for {uri!r}; it has: {known}{unfit(unusable or {})}"
    raise UnknownVector(message)


def unfit(unusable: Mapping[str, str]) -> str:
    """What is said of vectors that cannot be clustered: which there are, and what is needed."""
    if not unusable:
        return ""
    names = ", ".join(f"{name or '(unnamed)'} ({kind})" for name, kind in sorted(unusable.items()))
    return f"; and what cannot be clustered: {names}: embed documents with a dense vector each"
