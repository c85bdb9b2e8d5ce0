from clustering_pipeline.orchestration.report import StageReport
from clustering_pipeline.orchestration.run import Run


def freeze(run: Run) -> StageReport:
    """Keeps the definition with the overrides of this execution beside its results."""
    spec = run.spec
    run.write_json("definition", spec.model_dump(mode="json"))
    return StageReport(
        texts={"cluster_id": run.cluster_id, "run_id": run.run_id, "method": spec.method},
        records={"spec": spec.model_dump(mode="json", exclude_none=True)},
        uri=run.uri("definition.json"),
    )
