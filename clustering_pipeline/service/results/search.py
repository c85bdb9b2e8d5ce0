"""Which groups a query means: by the words of their names and documents."""

import re
from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline.labeling.text.tokens import is_unspaced, words
from clustering_pipeline.model.errors import InvalidRequest
from clustering_pipeline.model.executions.execution import ClusterExecutionCentroid, ExecutionRecord
from clustering_pipeline.model.executions.group_details import (
    FittingText,
    FoundGroup,
    GroupSearchResponse,
)
from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.pipeline.run.artifacts import LABELLING
from clustering_pipeline.pipeline.run.columns import CLUSTER_ID
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.service.results.documents import (
    TEXT,
    is_within,
    read_members,
    results_of,
    values_at,
)

DOCUMENTS = 5
MOST_WORDS = 32
_LONG = 4  # letters from which on a word also stands for longer ones: launch, launched


def find_groups(
    pipeline: Pipeline, scope: Scope, cluster: str, query: str, *, limit: int = 10
) -> GroupSearchResponse:
    """The groups of the published run whose names and documents have the words of ``query``.

    A word counts by how few documents have it, a document by the square of what its words count
    for, so that many words at once count more than one here and there.  A group scores half for the
    words of its label, keywords and summary, and half for the mean of its documents.  Raises
    ClusterNotFound, StateConflict before anything is published, InvalidRequest for a query without
    a word.
    """
    record, execution = results_of(pipeline, scope, cluster)
    asked = _asked(query)
    rows = read_members(pipeline, execution)
    holds = _holding(_texts(pipeline, execution, rows), asked)
    weights = np.log1p(len(holds) / (1 + holds.sum(axis=0)))
    weights /= weights.sum()
    scores = holds @ weights
    groups = [
        _scored(execution, group, asked, weights, _mean(rows, scores**2, group.cluster_id))
        for group in execution.centroids or ()
    ]
    fitting = sorted(
        (group for group in groups if group.score > 0),
        key=lambda group: (-group.score, -group.member_count, group.cluster_id),
    )
    return GroupSearchResponse(
        cluster_id=record.cluster_id,
        run_id=execution.run_id,
        by="words",
        results=fitting[:limit],
        documents=_documents(rows, scores),
    )


def _asked(query: str) -> list[re.Pattern[str]]:
    distinct = list(dict.fromkeys(word for word in words(query) if word))[:MOST_WORDS]
    if not distinct:
        message = f"{query[:60]!r} has no word to look for: give one at least"
        raise InvalidRequest(message)
    return [_pattern(word) for word in distinct]


def _pattern(word: str) -> re.Pattern[str]:
    """At the beginning of a word; in scripts without spaces anywhere."""
    if is_unspaced(word):
        return re.compile(re.escape(word))
    stem = word[:-1] if len(word) > _LONG and word.endswith("s") else word
    end = "" if len(stem) >= _LONG else r"s?\b"
    return re.compile(rf"\b{re.escape(stem)}{end}", re.IGNORECASE)


def _texts(pipeline: Pipeline, execution: ExecutionRecord, rows: pl.DataFrame) -> pl.Series:
    """The whole texts that labels were made of, as far as the run says which these were."""
    if not LABELLING.exists(pipeline.artifacts, execution):
        return rows[TEXT]
    fields = LABELLING.read(pipeline.artifacts, execution)["text_fields"][0]["fields"]
    columns = [values_at(rows, field) for field in fields]
    return pl.Series(
        ["\n".join(map(str, filter(None, values))) for values in zip(*columns, strict=True)]
        if columns
        else rows[TEXT],
        dtype=pl.String,
    )


def _holding(texts: pl.Series, asked: Sequence[re.Pattern[str]]) -> NDArray[np.float64]:
    """(documents, words): 1 where the text has the word."""
    columns = [
        texts.str.contains(f"(?i){pattern.pattern}").fill_null(value=False) for pattern in asked
    ]
    return np.stack([column.to_numpy() for column in columns], axis=1).astype(np.float64)


def _mean(rows: pl.DataFrame, scores: NDArray[np.float64], group: str) -> float:
    inside = rows.select(is_within(group)).to_series().to_numpy()
    return float(scores[inside].mean()) if inside.any() else 0.0


def _scored(
    execution: ExecutionRecord,
    group: ClusterExecutionCentroid,
    asked: Sequence[re.Pattern[str]],
    weights: NDArray[np.float64],
    fitting: float,
) -> FoundGroup:
    label = execution.label_of(group)
    about = " \n ".join([label or "", group.summary or "", *(group.keywords or ())])
    named = np.array([pattern.search(about) is not None for pattern in asked], dtype=np.float64)
    return FoundGroup(
        cluster_id=group.cluster_id,
        group_uid=group.group_uid,
        label=label,
        member_count=group.num_members,
        score=float(weights @ named + fitting) / 2,
    )


def _documents(rows: pl.DataFrame, scores: NDArray[np.float64]) -> list[FittingText]:
    """Those that have the most telling words; of the same score those in a group first."""
    ranked = (
        rows.select("document_id", "collection_id", TEXT, CLUSTER_ID)
        .with_columns(score=pl.Series(scores))
        .filter(pl.col("score") > 0)
        .sort(
            "score", pl.col(CLUSTER_ID) == NOISE_ID, descending=[True, False], maintain_order=True
        )
        .unique(["document_id", "collection_id"], keep="first", maintain_order=True)
        .head(DOCUMENTS)
    )
    return [FittingText(**row) for row in ranked.drop("score").iter_rows(named=True)]
