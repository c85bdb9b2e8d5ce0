"""From documents and their groups to groups ready to be labelled."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from clustering_pipeline.labeling.config import LabelingConfig
from clustering_pipeline.labeling.ctfidf import keyphrases
from clustering_pipeline.labeling.fields import FieldChoice, choose_text_fields
from clustering_pipeline.labeling.inputs import Payload, inputs_of, text_of
from clustering_pipeline.labeling.representatives import (
    centers_of,
    cosine,
    nearest_groups,
    representatives,
)
from clustering_pipeline.labeling.request import Example, Group
from clustering_pipeline.model.ids import group_id

Stored: TypeAlias = str | Payload | None

_FIELD_SAMPLE = 500
_MOST_READ = 100_000
_LEAST_OF_A_GROUP = 200


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
        return {
            group.number: tuple(example.row for example in group.examples) for group in self.groups
        }


def prepare(
    payloads: Sequence[Stored],
    labels: np.ndarray,
    vectors: np.ndarray,
    *,
    config: LabelingConfig,
    features: Mapping[str, np.ndarray] | None = None,
    cluster_ids: Mapping[int, str] | None = None,
    ignore: Collection[str] = (),
) -> Prepared:
    """Choose texts, find keyphrases and pick the documents that stand for each group.

    ``payloads`` are mappings, JSON strings or nothing, read one at a time; ``labels`` (n,) holds −1
    for noise, ``vectors`` is (n, d), ``features`` holds (n, d) vectors by the names that ``vector``
    inputs have for them, ``ignore`` names payload fields that earlier runs wrote.
    """
    labels = np.asarray(labels, dtype=np.int64)
    choice = _choice(payloads, labels, ignore)
    texts = tuple(
        text_of(_read(payload), config.input_mappings, choice.fields) for payload in payloads
    )
    read = _read_rows(labels)
    phrases = keyphrases([texts[row] for row in read], labels[read], stop_words=config.stop_words)
    members = {number: np.flatnonzero(labels == number) for number in phrases}
    centers = centers_of(vectors, members)
    nearest = nearest_groups(centers)
    names = cluster_ids or {}
    middles = {
        path: (matrix, centers_of(matrix, members)) for path, matrix in (features or {}).items()
    }

    def example(row: int, number: int) -> Example:
        near = {path: cosine(matrix[row], at[number]) for path, (matrix, at) in middles.items()}
        payload = _read(payloads[row])
        inputs = inputs_of(payload, config.input_mappings, choice.fields, similarities=near)
        return Example(row=row, inputs=inputs)

    groups = tuple(
        Group(
            number=number,
            cluster_id=names.get(number, group_id((number,))),
            size=len(rows),
            keyphrases=tuple(phrases[number]),
            examples=tuple(example(row, number) for row in _standing(vectors, rows, texts, config)),
            nearest=nearest[number],
        )
        for number, rows in members.items()
    )
    return Prepared(groups=groups, choice=choice, texts=texts)


def _standing(
    vectors: np.ndarray, rows: np.ndarray, texts: Sequence[str], config: LabelingConfig
) -> list[int]:
    return representatives(
        vectors,
        rows,
        texts,
        count=config.max_samples_per_cluster,
        strategy=config.sample_selection_strategy,
    )


def _read(stored: Stored) -> Payload:
    if not isinstance(stored, str):
        return stored or {}
    payload: object = json.loads(stored)
    return {str(key): value for key, value in payload.items()} if isinstance(payload, dict) else {}


def _choice(payloads: Sequence[Stored], labels: np.ndarray, ignore: Collection[str]) -> FieldChoice:
    rows = np.arange(0, len(payloads), max(1, len(payloads) // _FIELD_SAMPLE))
    return choose_text_fields(
        [_read(payloads[row]) for row in rows], labels=labels[rows], ignore=ignore
    )


def _read_rows(labels: np.ndarray) -> np.ndarray:
    """The documents whose texts make keyphrases: all, or an even part of every group."""
    if len(labels) <= _MOST_READ:
        return np.arange(len(labels))
    numbers, sizes = np.unique(labels, return_counts=True)
    part = _MOST_READ / len(labels)
    parts: list[np.ndarray] = []
    for number, size in zip(numbers, sizes, strict=True):
        members = np.flatnonzero(labels == number)
        count = min(size, max(_LEAST_OF_A_GROUP, round(part * size)))
        parts.append(members[np.linspace(0, size - 1, count).astype(np.int64)])
    return np.sort(np.concatenate(parts))
