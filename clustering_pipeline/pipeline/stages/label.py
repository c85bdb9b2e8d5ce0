import json
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import polars as pl

from clustering_pipeline.labeling import (
    Fidelity,
    Label,
    LabelRequest,
    Labels,
    Named,
    cache_keys,
    label_groups,
)
from clustering_pipeline.model.definitions.composite import COMPOSITE
from clustering_pipeline.model.ids import dotted_number
from clustering_pipeline.pipeline.groups.names import HUMAN, RENAME, carried_names, named
from clustering_pipeline.pipeline.run.artifacts import (
    ASSIGNMENTS,
    IDENTITY,
    LABEL_ERRORS,
    LABELLING,
    LABELS,
    TEXTS,
)
from clustering_pipeline.pipeline.run.report import StageReport
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.stages.label_cache import remember
from clustering_pipeline.pipeline.stages.label_fidelity import Fitness, fitness
from clustering_pipeline.pipeline.stages.label_request import Material, label_request, material

STAYED = 0.7
"""Of the smaller of both groups, the documents that are in the other."""
KNOWN = 1 / 3
"""Of the group as it is now, the documents that it had before."""
_NAMED_BY = ("cluster_id", "label", "summary", "keywords", "source", "probability", "extra")
_SHOWN = 400  # characters of a document's text that the map needs


def label(run: Run) -> StageReport:
    """Names every group: keyphrases, or a model's answer when the definition asks for one.

    Names by people win.  How well each name tells its group's documents is measured as well.
    """
    return label_beside(run, kept_labels(run))


def label_beside(run: Run, standing: Mapping[str, Named]) -> StageReport:
    """The same where groups keep the labels in ``standing``, which nobody is asked for."""
    given = material(run)
    names = carried_names(run)
    request = with_kept(label_request(run, given, names=names), standing)
    ends_at = time.monotonic() + request.terms.deadline
    labels = keep(label_groups(request), standing)
    remember(run.pipeline.catalog, run.spec.scope, request, labels)
    measured = fitness(run, given, labels, request, ends_at=ends_at)
    labels = replace(labels, ledger=labels.ledger + measured.ledger)
    frame = _frame(labels, given, measured.fits)
    texts = [text[:_SHOWN] for text in given.prepared[0].texts]
    size, uri = run.write_frame(LABELS, frame), run.uri(LABELS)
    run.write_frame(TEXTS, pl.DataFrame({"text": texts}))
    run.write_json(LABEL_ERRORS, labels.error_strings)
    run.write_json(LABELLING, _how(given, labels, measured))
    _record(run, labels, names, asked=request.provider is not None)
    return _report(given, labels, frame, size=size, uri=uri)


def rename_groups(run: Run) -> StageReport:
    """Puts the names that people gave onto the published groups; nobody is asked anything."""
    names = carried_names(run)
    labels = named(run.read_frame(LABELS), names)
    size = run.write_frame(LABELS, labels)
    run.record(label_overrides=names or None, **_plan(run))
    return StageReport(
        numbers={
            "groups": labels.height,
            "by_people": labels.filter(source=HUMAN).height,
            "bytes": size,
        },
        uri=run.uri(LABELS),
    )


def _record(run: Run, labels: Labels, names: dict[str, str], *, asked: bool) -> None:
    """At once: what was spent was spent, whatever becomes of the run."""
    ledger = labels.ledger if asked else None
    changes = {"ledger": ledger, "label_overrides": names or None, **_plan(run)}
    run.record(**changes)


def _plan(run: Run) -> dict[str, Any]:
    """New names on the published groups cover what those covered; what kept these from being as
    people want them still does.
    """
    if run.published is None or run.is_own(ASSIGNMENTS):
        whole = "from_pool" if run.spec.from_pool else "full"
        return {"plan": COMPOSITE if run.spec.mode == COMPOSITE else whole}
    conflicts = run.pipeline.catalog.executions.by_id(run.run_id).edit_conflicts
    earlier = [
        conflict for conflict in run.published.edit_conflicts if not conflict.startswith(RENAME)
    ]
    return {
        "plan": run.execution.plan if run.only_renames else "relabel",
        "edit_conflicts": [*earlier, *conflicts],
        "covered_batches": run.published.covered_batches,
        "source_execution_ids": run.published.source_execution_ids,
        "composite_mapping": run.published.composite_mapping,
    }


def _frame(labels: Labels, given: Material, fits: dict[int, Fidelity]) -> pl.DataFrame:
    rows = _representatives(given)
    table = [_row(label, rows[label.number], fits.get(label.number)) for label in labels.groups]
    return pl.DataFrame(table, schema=LABELS.schema)


def _row(label: Label, representatives: list[str], fit: Fidelity | None) -> dict[str, Any]:
    return {
        "cluster_id": label.cluster_id,
        "label": label.label,
        "summary": label.summary,
        "keywords": list(label.keywords),
        "source": label.source,
        "representative_ids": representatives,
        "probability": label.probability,
        "extra": json.dumps(dict(label.extra), ensure_ascii=False) if label.extra else None,
        "fidelity": fit.score if fit else None,
        "fidelity_by_chance": fit.chance if fit else None,
        "fidelity_is_low": fit.is_low if fit else None,
    }


def _representatives(given: Material) -> dict[int, list[str]]:
    ids = given.documents["document_id"]
    return {
        start + number: ids[list(rows)].to_list()
        for prepared, start in zip(given.prepared, given.starts, strict=True)
        for number, rows in prepared.representative_rows.items()
    }


def _how(given: Material, labels: Labels, measured: Fitness) -> dict[str, Any]:
    """For the manifest: the texts that were chosen, level by level, and what was spent."""
    return {
        "text_fields": [asdict(prepared.choice) for prepared in given.prepared],
        "ledger": labels.ledger.model_dump(),
        "format": labels.format,
        "fidelity_judge": measured.judge,
    }


def _report(
    given: Material, labels: Labels, frame: pl.DataFrame, *, size: int, uri: str
) -> StageReport:
    low = frame.filter("fidelity_is_low").select("cluster_id", "label", "fidelity")
    errors = labels.error_strings
    records = {"label_errors": errors, "low_fidelity": low.to_dicts()}
    ledger = labels.ledger
    mean = frame["fidelity"].mean()
    return StageReport(
        numbers={
            "groups": frame.height,
            "by_model": frame.filter(source="llm").height,
            "by_people": frame.filter(source="human").height,
            "errors": len(errors),
            "mean_fidelity": mean if isinstance(mean, float) else None,
            "bytes": size,
            "calls": ledger.calls,
            "cached": ledger.cached,
            "prompt_tokens": ledger.prompt_tokens,
            "completion_tokens": ledger.completion_tokens,
            "embedding_calls": ledger.embedding_calls,
            "embedding_tokens": ledger.embedding_tokens,
            "cost": ledger.cost,
        },
        texts={"text_fields": ", ".join(given.prepared[0].choice.fields)},
        records={name: record for name, record in records.items() if record},
        uri=uri,
    )


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
    labels = LABELS.read(run.pipeline.artifacts, published, _NAMED_BY).filter(source=source)
    answers = {row["cluster_id"]: named_of(row) for row in labels.iter_rows(named=True)}
    groups = run.read_frame(IDENTITY).filter(
        (pl.col("stayed") >= STAYED) & (pl.col("known") >= KNOWN)
    )
    pairs = groups.select("cluster_id", "previous_cluster_id").iter_rows()
    return {cluster_id: answers[previous] for cluster_id, previous in pairs if previous in answers}


def with_kept(request: LabelRequest, standing: Mapping[str, Named]) -> LabelRequest:
    """What a model is asked, less the groups that keep their label."""
    if not standing or request.provider is None:
        return request
    keys = cache_keys(request)
    answers = {
        keys[group.number]: standing[group.cluster_id]
        for group in request.groups
        if group.cluster_id in standing
    }
    return replace(request, cached={**request.cached, **answers})


def keep(labels: Labels, standing: Mapping[str, Named]) -> Labels:
    """Labels made of keyphrases, with those that stay; a new one never repeats one of these."""
    staying = {
        label.cluster_id: standing[label.cluster_id].label
        for label in labels.groups
        if label.source == "keyphrases" and label.cluster_id in standing
    }
    taken = set(staying.values())
    return replace(
        labels,
        groups=tuple(
            _settled(label, staying.get(label.cluster_id), standing, taken)
            for label in labels.groups
        ),
    )


def _settled(
    label: Label, staying: str | None, standing: Mapping[str, Named], taken: set[str]
) -> Label:
    if staying is not None:
        return replace(label, label=staying, keywords=standing[label.cluster_id].keywords)
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
