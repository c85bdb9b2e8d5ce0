"""Makes Qdrant collections known, existing ones after a look at them and new ones from nothing."""

from collections.abc import Mapping
from contextlib import suppress

from clustering_pipeline.model.collections import (
    DOCUMENT_ID,
    CollectionRecord,
    CollectionView,
    CreateCollectionRequest,
    RegisterCollectionRequest,
)
from clustering_pipeline.model.definitions.feature_uri import unfit
from clustering_pipeline.model.errors import (
    ClusterNotFound,
    CollectionNotFound,
    InvalidRequest,
    StateConflict,
    UnknownVector,
)
from clustering_pipeline.model.ids import new_id
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.pipeline.publishing.output_aliases import SEPARATOR
from clustering_pipeline.pipeline.run.pipeline import Pipeline

_NAMES_SHOWN = 20


def register_existing(
    pipeline: Pipeline, scope: Scope, request: RegisterCollectionRequest
) -> CollectionRecord:
    """For whoever runs Qdrant: raises CollectionNotFound with the collections it has, UnknownVector
    for a vector that it lacks, NameTaken when the name is registered.
    """
    name = request.qdrant_collection or request.collection_name
    try:
        info = pipeline.documents.describe(name)
    except CollectionNotFound as error:
        raise _none_such(pipeline, name) from error
    _check_mapping(name, request.vectors, list(info.vectors), info.unusable)
    return pipeline.catalog.collections.register(scope, request)


def register_own(
    pipeline: Pipeline, scope: Scope, request: CreateCollectionRequest, *, claims: bool = True
) -> CollectionRecord:
    """The same for a tenant among others, and for a collection that is made for it.

    A Qdrant collection belongs to the namespace that registered it first: to others it does not
    exist.  One that is nobody's yet exists for those who may claim it.
    """
    _check_embed(request)
    if request.vector_sizes is not None:
        return _made(pipeline, scope, request, request.vector_sizes)
    name = request.qdrant_collection or request.collection_name
    owners = _owners(pipeline, name)
    if owners - {scope} or not (owners or claims):
        raise _unknown(name)
    try:
        record = register_existing(pipeline, scope, request)
    except CollectionNotFound:
        # Said in the same words: what else Qdrant holds is other people's.
        raise _unknown(name) from None
    if _owners(pipeline, name) - {scope}:
        # Both came at the same moment: neither may read what may be the other's.
        pipeline.catalog.collections.forget(scope, record.collection_id)
        raise _unknown(name)
    return record


def forget_collection(
    pipeline: Pipeline, scope: Scope, collection: str, *, delete_documents: bool
) -> CollectionRecord:
    """With its documents, unless they are registered under another name, too.

    Raises CollectionNotFound, and StateConflict while a definition reads or writes it.
    """
    record = pipeline.catalog.collections.get(scope, collection)
    check_own(pipeline, record)
    record = pipeline.catalog.collections.delete(scope, record.collection_id)
    others = pipeline.catalog.collections.behind(_names_of(pipeline, record.qdrant_collection))
    if delete_documents and not others:
        name = record.qdrant_collection
        # Qdrant deletes no collection by an alias, and says nothing.
        pipeline.documents.delete_collection(pipeline.documents.aliases().get(name, name))
    return record


def check_own(pipeline: Pipeline, collection: CollectionRecord) -> None:
    """Raises StateConflict for a collection that a definition writes."""
    if collection.output_of is None:
        return
    with suppress(ClusterNotFound):
        owner = pipeline.catalog.clusters.by_id(collection.output_of)
        message = (
            f"collection {collection.collection_name!r} holds results of definition "
            f"{owner.name!r}: change them there"
        )
        raise StateConflict(message)


def collection_view(pipeline: Pipeline, record: CollectionRecord) -> CollectionView:
    """The record with what Qdrant says of the collection behind it."""
    about = record.model_dump(include=set(CollectionView.model_fields))
    try:
        info = pipeline.documents.describe(record.qdrant_collection)
    except CollectionNotFound:
        return CollectionView.model_validate(about)
    sizes = {name: vector.size for name, vector in info.vectors.items()}
    return CollectionView(**about, vector_sizes=sizes, num_documents=info.points)


def _made(
    pipeline: Pipeline, scope: Scope, request: CreateCollectionRequest, sizes: dict[str, int]
) -> CollectionRecord:
    # Names of namespaces may meet in one Qdrant, so the collection is called by an id.
    name = new_id("col")
    _check_mapping(request.collection_name, request.vectors, list(sizes))
    own = request.model_copy(update={"qdrant_collection": name})
    record = pipeline.catalog.collections.register(scope, own)
    try:
        pipeline.documents.create_collection(name, sizes, distance=request.distance)
        # Documents are replaced, read and deleted by what they are called.
        pipeline.documents.index_keyword(name, DOCUMENT_ID)
    except BaseException:
        pipeline.catalog.collections.forget(scope, record.collection_id)
        raise
    return record


def _check_embed(request: CreateCollectionRequest) -> None:
    """A tenant chooses a model of the operator's server, and nothing that this host would load."""
    if request.embed is not None and request.embed.provider != "openai":
        message = (
            f"embed.provider {request.embed.provider!r} loads a model on this host, which is for "
            "whoever runs it: name openai, or load by `collections load --embed`"
        )
        raise InvalidRequest(message)


def _owners(pipeline: Pipeline, name: str) -> set[Scope]:
    """The namespaces that registered it, or write it."""
    known = pipeline.catalog.collections.behind(_names_of(pipeline, name))
    return {record.scope for record in known}


def _check_mapping(
    name: str,
    vectors: dict[str, str],
    present: list[str],
    unusable: Mapping[str, str] | None = None,
) -> None:
    for uri, vector in vectors.items():
        if vector not in present:
            known = ", ".join(sorted(present)) or "none"
            message = (
                f"{uri} maps to {vector!r}, which collection {name!r} lacks; it has: {known}"
                f"{unfit(unusable or {})}"
            )
            raise UnknownVector(message)


def _names_of(pipeline: Pipeline, name: str) -> set[str]:
    """Every name under which the same documents could be registered, and that of their owner."""
    aliases = pipeline.documents.aliases()
    target = aliases.get(name, name)
    same = {name, target, *(alias for alias, behind in aliases.items() if behind == target)}
    return same | {name.partition(SEPARATOR)[0] for name in same}


def _none_such(pipeline: Pipeline, name: str) -> CollectionNotFound:
    names = pipeline.documents.collections()
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    known = ", ".join(names[:_NAMES_SHOWN]) or "none"
    address = pipeline.documents.address
    message = f"Qdrant at {address} has no collection {name!r}; it has: {known}{more}"
    return CollectionNotFound(message)


def _unknown(name: str) -> CollectionNotFound:
    message = (
        f"Qdrant has no collection {name!r} for this namespace: have one registered by whoever "
        "runs the server, or ask for a new one with vector_sizes"
    )
    return CollectionNotFound(message)
