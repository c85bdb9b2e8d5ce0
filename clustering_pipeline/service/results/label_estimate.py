"""What the labels of the next run would take, as far as the published groups tell."""

from collections.abc import Mapping
from dataclasses import asdict, fields

from clustering_pipeline.labeling import Estimate, estimate
from clustering_pipeline.model.definitions.execute import Plan
from clustering_pipeline.model.definitions.spec import ClusterSpec
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.pipeline.run.progress import Progress
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.stages.label_fidelity import texts_to_judge
from clustering_pipeline.pipeline.stages.label_request import label_request, material

_FIELDS = tuple(one.name for one in fields(Estimate))


def estimate_labels(pipeline: Pipeline, spec: ClusterSpec, *, plan: Plan) -> dict[str, object]:
    """Calls, tokens and dollars; null where unknown, with a ``note`` that says why.

    Nothing is asked and nothing written.
    """
    catalog = pipeline.catalog
    published = catalog.executions.published(catalog.clusters.by_id(spec.cluster_id))
    if not spec.llm_labeling.enabled:
        known: Mapping[str, object] = dict.fromkeys(_FIELDS, 0)
        return {"plan": plan, **known, "note": "the definition asks no model: labels cost nothing"}
    if plan == "assign":
        known = dict.fromkeys(_FIELDS, 0)
        note = "groups that documents are assigned to keep their names: nobody is asked"
        return {"plan": plan, **known, "note": note}
    if plan == "from_pool":
        note = "unknown before: only new groups are named, and the pool decides how many there are"
        return {"plan": plan, **dict.fromkeys(_FIELDS), "note": note}
    if published is None:
        note = "unknown before the first run: the number of groups decides"
        return {"plan": plan, **dict.fromkeys(_FIELDS), "note": note}
    return {"plan": plan, **_of_groups(pipeline, spec, published, plan)}


def _of_groups(
    pipeline: Pipeline, spec: ClusterSpec, published: ExecutionRecord, plan: Plan
) -> dict[str, object]:
    run = Run(
        pipeline=pipeline,
        execution=published,
        spec=spec,
        published=published,
        progress=Progress(write=lambda _done, _total: None),
    )
    given = material(run)
    request = label_request(run, given)
    if request.provider is None:
        return {**dict.fromkeys(_FIELDS, 0), "note": request.unreachable}
    expected = estimate(request, judged=texts_to_judge(given, request))
    base = f"for the {len(request.groups)} groups of {published.run_id}"
    notes = [base if plan == "relabel" else f"{base}; a {plan} run may find others"]
    if expected.cost is None:
        models = filter(None, (request.provider.model, request.provider.embedding_model))
        names = " or ".join(map(repr, models))
        notes.append(f"no price of {names}: set CLUSTERING_LLM_PRICES")
    return {**asdict(expected), "note": "; ".join(notes)}
