import json
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import polars as pl

from clustering_pipeline.labeling import Fidelity, Label, LabelRequest, Labels, Named, label_groups
from clustering_pipeline.model.definitions.composite import COMPOSITE
from clustering_pipeline.pipeline.groups.names import RENAME, carried_names
from clustering_pipeline.pipeline.run.artifacts import (
    ASSIGNMENTS,
    LABEL_ERRORS,
    LABELLING,
    LABELS,
    TEXTS,
)
from clustering_pipeline.pipeline.run.report import StageReport
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.stages.kept_labels import keep, kept_labels, with_kept
from clustering_pipeline.pipeline.stages.label_cache import remember, remember_format
from clustering_pipeline.pipeline.stages.label_fidelity import Fitness, fitness
from clustering_pipeline.pipeline.stages.label_request import Material, label_request, material

_SHOWN = 400  # characters of a document's text that the map needs


def label(run: Run) -> StageReport:
    """Names every group: keyphrases, or a model's answer when the definition asks for one.

    Names by people win.  How well each name tells its group's documents is measured as well.
    """
    return label_beside(run, kept_labels(run))


def label_beside(run: Run, kept: Mapping[str, Named]) -> StageReport:
    """The same where groups keep the labels in ``kept``, which nobody is asked for."""
    given = material(run)
    names = carried_names(run)
    request = with_kept(label_request(run, given, names=names), kept)
    ends_at = time.monotonic() + request.terms.deadline
    labels = keep(label_groups(request), kept)
    _remember(run, request, labels)
    measured = fitness(run, given, labels, request, ends_at=ends_at)
    labels = replace(labels, ledger=labels.ledger + measured.ledger)
    frame = _frame(labels, given, measured.fits)
    texts = [text[:_SHOWN] for text in given.prepared[0].texts]
    size = run.write_frame(LABELS, frame)
    run.write_frame(TEXTS, pl.DataFrame({"text": texts}))
    run.write_json(LABEL_ERRORS, labels.error_strings)
    run.write_json(LABELLING, _how(given, labels, measured))
    _record(run, labels, names, asked=request.provider is not None)
    return _report(run, given, labels, frame, size)


def _remember(run: Run, request: LabelRequest, labels: Labels) -> None:
    catalog, scope = run.pipeline.catalog, run.spec.scope
    remember(catalog, scope, request.config, labels.fresh)
    if request.provider is not None and labels.format != request.format:
        remember_format(catalog, scope, request.provider, labels.format)


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
    told = run.pipeline.catalog.executions.by_id(run.run_id).edit_conflicts
    made = [one for one in run.published.edit_conflicts if not one.startswith(RENAME)]
    return {
        "plan": "relabel",
        "edit_conflicts": [*made, *told],
        "covered_batches": run.published.covered_batches,
        "source_execution_ids": run.published.source_execution_ids,
        "composite_mapping": run.published.composite_mapping,
    }


def _frame(labels: Labels, given: Material, fits: dict[int, Fidelity]) -> pl.DataFrame:
    rows = _representatives(given)
    table = [_row(one, rows[one.number], fits.get(one.number)) for one in labels.groups]
    return pl.DataFrame(table, schema=LABELS.schema)


def _row(one: Label, representatives: list[str], fit: Fidelity | None) -> dict[str, Any]:
    return {
        "cluster_id": one.cluster_id,
        "label": one.label,
        "summary": one.summary,
        "keywords": list(one.keywords),
        "source": one.source,
        "representative_ids": representatives,
        "probability": one.probability,
        "extra": json.dumps(dict(one.extra), ensure_ascii=False) if one.extra else None,
        "fidelity": fit.score if fit else None,
        "fidelity_by_chance": fit.chance if fit else None,
        "fidelity_is_low": fit.is_low if fit else None,
    }


def _representatives(given: Material) -> dict[int, list[str]]:
    ids = given.documents["document_id"]
    return {
        start + number: ids[list(rows)].to_list()
        for one, start in zip(given.prepared, given.starts, strict=True)
        for number, rows in one.representative_rows.items()
    }


def _how(given: Material, labels: Labels, measured: Fitness) -> dict[str, Any]:
    """For the manifest: the texts that were chosen, level by level, and what was spent."""
    return {
        "text_fields": [asdict(one.choice) for one in given.prepared],
        "ledger": labels.ledger.model_dump(),
        "format": labels.format,
        "fidelity_judge": measured.judge,
    }


def _report(
    run: Run, given: Material, labels: Labels, frame: pl.DataFrame, size: int
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
        uri=run.uri(LABELS),
    )
