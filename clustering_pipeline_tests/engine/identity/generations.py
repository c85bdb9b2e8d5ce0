"""Runs written as a word for each group: the documents in it are its letters."""

from collections.abc import Mapping, Sequence

import numpy as np

from clustering_pipeline.engine.groups.hierarchy import Path
from clustering_pipeline.engine.identity import Generation, Identity, identify

Groups = Mapping[Path, Sequence[str]]


def generation(
    groups: Groups | Sequence[str],
    *,
    noise: Sequence[str] = (),
    uids: tuple[str, ...] = (),
    centroids: Sequence[Sequence[float]] | None = None,
    seed: int | None = None,
) -> Generation:
    """Groups of documents; a mapping's keys are paths, and parents hold what their children do."""
    known = groups if isinstance(groups, Mapping) else {(n,): one for n, one in enumerate(groups)}
    paths = tuple(known)
    place = {document: paths.index(path) for path, some in known.items() for document in some}
    documents = [*place, *noise]
    if seed is not None:
        np.random.default_rng(seed).shuffle(documents)
    return Generation(
        documents=documents,
        deepest=np.array([place.get(one, -1) for one in documents], dtype=np.int64),
        paths=paths,
        uids=uids,
        centroids=None if centroids is None else lambda: np.array(centroids, dtype=np.float32),
    )


def published(generation: Generation, identity: Identity) -> Generation:
    """A generation as the next run finds it."""
    return Generation(
        documents=generation.documents,
        deepest=generation.deepest,
        paths=identity.paths,
        uids=identity.uids,
        centroids=generation.centroids,
    )


def first(groups: Groups | Sequence[str], **options) -> Generation:
    """The groups of a first run, with their ids."""
    found = generation(groups, **options)
    return published(found, identify(found))
