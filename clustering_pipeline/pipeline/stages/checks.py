"""What the exported documents must be like before anything is clustered."""

from collections.abc import Callable
from dataclasses import dataclass

from clustering_pipeline.model.errors import EmptySelection, InvalidVectors
from clustering_pipeline.pipeline.run.artifacts import EXPORT
from clustering_pipeline.pipeline.run.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Raises a ClusteringError when the documents fail it."""

    name: str
    description: str
    require: Callable[[Run], None]


def require_documents(run: Run) -> None:
    """Raises EmptySelection when there is nothing to cluster."""
    export = run.read_json(EXPORT)
    if export["retrieved"] > 0:
        return
    if export["source_documents"] > 0:
        message = (
            f"none of the {export['source_documents']} selected documents has the vector "
            f"{', '.join(export['vector_names'])}; embed them, or choose another feature URI"
        )
    else:
        names = ", ".join(run.spec.collection_ids)
        message = f"no document of {names} matches the filters; widen them or load documents"
    raise EmptySelection(message)


def require_finite_vectors(run: Run) -> None:
    """Raises InvalidVectors when a vector holds NaN or infinity."""
    export = run.read_json(EXPORT)
    if export["invalid"] == 0:
        return
    named = ", ".join(export["invalid_ids"])
    message = (
        f"{export['invalid']} vectors hold NaN or infinity (documents {named}); embed those "
        "documents again or filter them out"
    )
    raise InvalidVectors(message, details={"document_ids": export["invalid_ids"]})


CHECKS = (
    Check(
        name="has_documents",
        description="At least one document with a vector matches the filters.",
        require=require_documents,
    ),
    Check(
        name="finite_vectors",
        description="No vector holds NaN or infinity.",
        require=require_finite_vectors,
    ),
)
