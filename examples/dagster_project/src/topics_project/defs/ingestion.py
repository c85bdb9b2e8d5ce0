"""Where documents come from: yours write to Qdrant from wherever they are."""

import os
from importlib.resources import files
from pathlib import Path

import dagster as dg

from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.service.collections.load import Load, load

SAMPLE = files("clustering_pipeline.local.data").joinpath("state_of_the_union.parquet")


@dg.asset(group_name="ingestion", kinds={"qdrant"}, owners=["team:search"])
def speeches(clustering: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult[None]:
    """Paragraphs of addresses with their embeddings, in the collection ``speeches``."""
    file = Path(os.environ.get("SPEECHES", str(SAMPLE)))
    collection = load(clustering, LOCAL, Load(file=file, collection_name="speeches"))
    documents = clustering.documents.count(collection.qdrant_collection)
    return dg.MaterializeResult(metadata={"dagster/row_count": documents})
