"""What a reader should know of a result before trusting it, in a sentence each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline import engine
from clustering_pipeline.engine.auto.space import OUTLYING
from clustering_pipeline.engine.groups.numbering import canonical, group_count
from clustering_pipeline.engine.metrics.separation import falls_apart
from clustering_pipeline.engine.vectors import Labels
from clustering_pipeline.model.executions.views import Finding
from clustering_pipeline.model.ids import NOISE_ID, group_id, group_path
from clustering_pipeline.pipeline.run.spaces import Space
from clustering_pipeline.pipeline.stages.metrics import FINDINGS, MOST, Share

DOMINANT = 0.35
UNEVEN = 1.5  # times the mean size: two groups of half the documents each are no news
NOISY = 0.3
FAR = 0.15
NEAR = 0.02  # mean cosine distance to the centroid: texts that differ by a few words
TIGHTER = 0.2  # than the median group: vectors that all lie close say nothing
DUPLICATES = 5
LENGTHS = 5
LENGTH = "length"
NAMED = 3

# Which setting makes more, or smaller, groups; which leaves fewer documents in none.
MORE: Mapping[str, str] = {
    "kmeans": "a larger n_clusters",
    "agglomerative": "a larger n_clusters",
    "spectral": "a larger n_clusters",
    "gaussian_mixture": "a larger n_components",
    "leiden": "a larger resolution",
    "mean_shift": "a smaller bandwidth",
    "dbscan": "a smaller eps",
    "optics": "a smaller min_cluster_size",
    "evoc": "a smaller base_min_cluster_size",
    "hdbscan": "cluster_selection_method leaf, or the method auto,",
}
LESS_NOISE: Mapping[str, str] = {
    "hdbscan": "smaller min_samples, or the method auto,",
    "dbscan": "a larger eps, or smaller min_samples,",
    "optics": "smaller min_samples",
    "evoc": "a smaller noise_level",
    "attribute_based": "an attribute that more documents have",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouped:
    """The groups of one clustering: the top number of each document (n,), its outlier score, and
    what fields explain, and why ``auto`` chose them; without vectors where attributes group.
    """

    method: str
    labels: Labels
    names: Mapping[int, str]
    space: Space | None = None
    outlier_scores: NDArray[np.float64] | None = None
    explained: Sequence[Share] = ()
    lengths: Sequence[int] = ()
    choice: str | None = None


def grouped(
    method: str, assignments: pl.DataFrame, space: Space | None = None, **known: Any
) -> Grouped:
    """From the rows of ``assignments`` that are of the clustering."""
    shown = assignments.filter(pl.col("cluster_id") != NOISE_ID).unique(["label", "cluster_id"])
    names = {
        label: group_id(group_path(cluster_id)[:1])
        for label, cluster_id in shown.select("label", "cluster_id").iter_rows()
    }
    labels = assignments["label"].to_numpy()
    return Grouped(method=method, labels=labels, names=names, space=space, **known)


def findings(parts: Sequence[Grouped]) -> list[Finding]:
    """Those of all clusterings, each named where there are several."""
    single = len(parts) == 1
    return [
        finding
        if single or part.space is None
        else finding.model_copy(update={"text": f"{part.space.name}: {finding.text}"})
        for part in parts
        if len(part.labels)
        for finding in (*_chosen(part), *_counted(part), *_explained(part), *_measured(part))
    ]


def shown(noticed: Sequence[Finding]) -> dict[str, str]:
    """As Dagster shows them: a line each, nothing where there is none."""
    lines = "\n".join(f"- {finding.text}" for finding in noticed)
    return {FINDINGS: lines} if lines else {}


def _chosen(part: Grouped) -> Iterator[Finding]:
    if part.choice:
        yield Finding(kind="auto_choice", text=part.choice)


def _counted(part: Grouped) -> Iterator[Finding]:
    labels = part.labels
    sizes, documents = np.bincount(labels[labels >= 0]), len(labels)
    noise = float((labels < 0).mean())
    if len(sizes):
        share = float(sizes.max()) / documents
        groups = int((sizes > 0).sum())
        if share >= DOMINANT and (groups == 1 or share > UNEVEN / groups):
            name = part.names[int(sizes.argmax())]
            held = f"{name} holds {share:.0%} of all documents"
            text = f"{held}: {_more(part.method)} divides it" if documents > 1 else held
            yield Finding(kind="dominant_group", text=text, cluster_id=name, share=share)
    if noise >= NOISY:
        way = LESS_NOISE.get(part.method, "the method auto")
        text = (
            f"{noise:.0%} of the documents are in no group: {way} leaves fewer, and target_noise "
            "brings them into the nearest"
        )
        yield Finding(kind="much_noise", text=text, share=noise)


def _explained(part: Grouped) -> Iterator[Finding]:
    for field, share in (
        *((each["field"], each["share"]) for each in part.explained),
        *_length(part),
    ):
        if share >= MOST:
            text = (
                f"{field!r} explains {share:.0%} of the grouping: if its values are not what the "
                "groups are for, filter by one of them, or cluster vectors that do not carry it"
            )
            yield Finding(kind="field_explains", text=text, field=field, share=share)


def _length(part: Grouped) -> list[tuple[str, float]]:
    """What the length of the texts explains, in fifths."""
    lengths = np.asarray(part.lengths)
    if len(np.unique(lengths)) < LENGTHS:
        return []
    bounds = np.quantile(lengths, np.linspace(0, 1, LENGTHS + 1)[1:-1])
    bins = np.searchsorted(bounds, lengths).tolist()
    return list(engine.explained_shares(canonical(part.labels), {LENGTH: bins}).items())


def _measured(part: Grouped) -> Iterator[Finding]:
    if part.space is None or part.outlier_scores is None:
        return
    labels = canonical(part.labels)
    own = {
        int(new): part.names[int(old)]
        for old, new in zip(part.labels, labels, strict=True)
        if new >= 0
    }
    yield from _duplicates(part.space, labels, own)
    apart = falls_apart(part.space.vectors, labels)
    if apart:
        text = (
            f"{_listed([own[number] for number in apart])} "
            f"{'hold' if len(apart) > 1 else 'holds'} documents of two kinds that lie apart: "
            f"{_more(part.method)} tells them apart, and so does hierarchical: true"
        )
        share = float(np.isin(labels, apart).mean())
        yield Finding(kind="fewer_groups", text=text, cluster_id=own[apart[0]], share=share)
    far = float(((part.outlier_scores >= OUTLYING) & (labels >= 0)).mean())
    if far >= FAR:
        text = (
            f"{far:.0%} of the documents stand far from all others and are in groups all the same: "
            "the method auto, or hdbscan, leaves such out"
        )
        yield Finding(kind="far_grouped", text=text, share=far)


def _duplicates(space: Space, labels: Labels, own: Mapping[int, str]) -> Iterator[Finding]:
    if group_count(labels) < 2:
        return
    middles = engine.centroids(space.vectors, labels)
    radii = 1 - middles.mean_cosine
    close = (radii <= NEAR) & (radii <= TIGHTER * np.median(radii)) & (middles.sizes >= DUPLICATES)
    for number in np.flatnonzero(close).tolist():
        size = int(middles.sizes[number])
        text = (
            f"{own[number]} is {size} near-duplicates: leave all but one of them out by a filter, "
            "or read it as one document"
        )
        share = size / len(labels)
        yield Finding(kind="near_duplicates", text=text, cluster_id=own[number], share=share)


def _more(method: str) -> str:
    return MORE.get(method, "another method")


def _listed(names: Sequence[str]) -> str:
    """The first few by name, the others by number."""
    shown, rest = names[:NAMED], len(names) - NAMED
    if rest > 0:
        return f"{', '.join(shown)} and {rest} more"
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))
