"""From documents and their groups to groups ready to be labelled."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from clustering_pipeline.labeling.config import LabelingConfig
from clustering_pipeline.labeling.fields import FieldChoice, choose_text_fields
from clustering_pipeline.labeling.inputs import inputs_of, text_of
from clustering_pipeline.labeling.keyphrases import keyphrases
from clustering_pipeline.labeling.representatives import representatives
from clustering_pipeline.labeling.request import Example, Group

_NEIGHBORS = 4


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Groups ready to be labelled, and the record of how they were chosen."""

    groups: tuple[Group, ...]
    choice: FieldChoice
    texts: tuple[str, ...]
    """The text of each document, cut to a few thousand characters."""

    @property
    def representative_rows(self) -> dict[int, tuple[int, ...]]:
        """Row numbers of the documents that stand for each group."""
        return {group.number: tuple(one.row for one in group.examples) for group in self.groups}


def prepare(
    payloads: Sequence[str | Mapping[str, object]],
    labels: np.ndarray,
    vectors: np.ndarray,
    *,
    config: LabelingConfig,
    cluster_ids: Mapping[int, str] | None = None,
    ignore: Collection[str] = (),
) -> Prepared:
    """Choose texts, find keyphrases and pick the documents that stand for each group.

    ``payloads`` are mappings or JSON strings, ``labels`` (n,) holds −1 for noise, ``vectors`` is
    (n, d), ``ignore`` names payload fields that earlier runs wrote.
    """
    labels = np.asarray(labels, dtype=np.int64)
    documents = [json.loads(item) if isinstance(item, str) else item for item in payloads]
    choice = choose_text_fields(documents, ignore=ignore)
    texts = tuple(text_of(document, config.input_mappings, choice.fields) for document in documents)
    phrases = keyphrases(texts, labels)
    centers = _centers(vectors, labels, list(phrases))
    nearest = _nearest_groups(centers, list(phrases))
    names = cluster_ids or {}
    members = {number: np.flatnonzero(labels == number) for number in phrases}
    groups = tuple(
        Group(
            number=number,
            cluster_id=names.get(number, f"cl_{number}"),
            size=len(rows),
            keyphrases=tuple(phrases[number]),
            examples=_examples(
                documents, texts, rows, vectors, config=config, fields=choice.fields
            ),
            nearest=nearest[number],
        )
        for number, rows in members.items()
    )
    return Prepared(groups=groups, choice=choice, texts=texts)


def _examples(
    documents: Sequence[Mapping[str, object]],
    texts: Sequence[str],
    members: np.ndarray,
    vectors: np.ndarray,
    *,
    config: LabelingConfig,
    fields: Sequence[str],
) -> tuple[Example, ...]:
    rows = representatives(
        vectors,
        members,
        texts,
        count=config.max_samples_per_cluster,
        strategy=config.sample_selection_strategy,
    )
    center = vectors[members].mean(axis=0)
    return tuple(
        Example(
            row=row,
            inputs=inputs_of(
                documents[row],
                config.input_mappings,
                fields,
                similarity=_cosine(vectors[row], center),
            ),
        )
        for row in rows
    )


def _cosine(one: np.ndarray, other: np.ndarray) -> float:
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / lengths if lengths else 0.0


def _centers(vectors: np.ndarray, labels: np.ndarray, numbers: Sequence[int]) -> np.ndarray:
    if not numbers:
        return np.zeros((0, vectors.shape[1]))
    centers = np.stack([vectors[labels == number].mean(axis=0) for number in numbers])
    lengths = np.linalg.norm(centers, axis=1, keepdims=True)
    return centers / np.where(lengths > 0, lengths, 1.0)


def _nearest_groups(centers: np.ndarray, numbers: Sequence[int]) -> dict[int, tuple[int, ...]]:
    likeness = centers @ centers.T
    np.fill_diagonal(likeness, -np.inf)
    order = np.argsort(-likeness, axis=1, kind="stable")[:, : min(_NEIGHBORS, len(numbers) - 1)]
    return {
        number: tuple(numbers[other] for other in row)
        for number, row in zip(numbers, order.tolist(), strict=True)
    }
