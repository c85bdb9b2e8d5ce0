"""Groups that hardly changed keep their label, and no model is asked about them."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from clustering_pipeline.labeling import Label, LabelRequest, Labels, Named, cache_keys
from clustering_pipeline.model.ids import dotted_number
from clustering_pipeline.pipeline.run.artifacts import IDENTITY, LABELS
from clustering_pipeline.pipeline.run.run import Run

STAYED = 0.7
"""Of the smaller of both groups, the documents that are in the other."""
KNOWN = 1 / 3
"""Of the group as it is now, the documents that it had before."""
_COLUMNS = ("cluster_id", "label", "summary", "keywords", "source", "probability", "extra")


def kept_labels(run: Run) -> dict[str, Named]:
    """Group to the label it keeps.

    That is so while the definition asks for labels in the same way, and where a model was to be
    asked, one answered.  When labels alone are made again, none is kept: that is what was asked.
    """
    published = run.published
    if published is None or published.spec is None or run.spec.attributes is not None:
        return {}
    if published.spec.llm_labeling != run.spec.llm_labeling or not run.is_own(IDENTITY):
        return {}
    source = "llm" if run.spec.llm_labeling.enabled else "keyphrases"
    labels = LABELS.read(run.pipeline.artifacts, published, _COLUMNS).filter(source=source)
    told = {row["cluster_id"]: named_of(row) for row in labels.iter_rows(named=True)}
    groups = run.read_frame(IDENTITY).filter(
        (pl.col("stayed") >= STAYED) & (pl.col("known") >= KNOWN)
    )
    pairs = groups.select("cluster_id", "previous_cluster_id").iter_rows()
    return {now: told[before] for now, before in pairs if before in told}


def with_kept(request: LabelRequest, kept: Mapping[str, Named]) -> LabelRequest:
    """What a model is asked, less the groups that keep their label."""
    if not kept or request.provider is None:
        return request
    keys = cache_keys(request)
    answers = {
        keys[one.number]: kept[one.cluster_id] for one in request.groups if one.cluster_id in kept
    }
    return replace(request, cached={**request.cached, **answers})


def keep(labels: Labels, kept: Mapping[str, Named]) -> Labels:
    """Labels made of keyphrases, with those that stay; a new one never repeats one of these."""
    staying = {
        one.cluster_id: kept[one.cluster_id].label
        for one in labels.groups
        if one.source == "keyphrases" and one.cluster_id in kept
    }
    taken = set(staying.values())
    return replace(
        labels,
        groups=tuple(
            _settled(one, staying.get(one.cluster_id), kept, taken) for one in labels.groups
        ),
    )


def _settled(
    label: Label, staying: str | None, kept: Mapping[str, Named], taken: set[str]
) -> Label:
    if staying is not None:
        return replace(label, label=staying, keywords=kept[label.cluster_id].keywords)
    if label.source == "keyphrases" and label.label in taken:
        return replace(label, label=f"{label.label} ({dotted_number(label.cluster_id)})")
    return label


def named_of(row: Mapping[str, Any]) -> Named:
    """A row of the labels' table as an answer."""
    return Named(
        label=row["label"],
        summary=row["summary"],
        keywords=tuple(row["keywords"] or ()),
        probability=row["probability"],
        extra=json.loads(row["extra"]) if row["extra"] else {},
    )
