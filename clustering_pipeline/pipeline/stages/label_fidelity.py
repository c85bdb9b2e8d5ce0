"""How well the labels of a run fit their groups, by the best judge there is."""

import hashlib
import json
from dataclasses import dataclass

from clustering_pipeline.labeling import (
    EmbeddingJudge,
    Fidelity,
    LabelRequest,
    Labels,
    Prepared,
    fidelity,
    judged_texts,
)
from clustering_pipeline.model.executions.execution import LabelingLedger
from clustering_pipeline.pipeline.run.hierarchy_levels import Level
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.stages.label_cache import recall_fits, remember_fits
from clustering_pipeline.pipeline.stages.label_request import Material

_VERSION = 1
Fits = dict[int, Fidelity]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitness:
    """The fidelity of each group's label, by the number of all levels counted through."""

    fits: Fits
    ledger: LabelingLedger
    judge: str
    """``embedding`` or ``words``."""


def fitness(
    run: Run, given: Material, labels: Labels, request: LabelRequest, *, ends_at: float
) -> Fitness:
    """Each label against those of its own level.

    Where an embedding model is set for a definition that asks for labels by a model, it judges, and
    its verdict is kept while nothing changes; everywhere else words do, which sends nothing.
    ``ends_at`` is a time of ``time.monotonic``.
    """
    judge = _judge(request, labels, ends_at)
    bench = None if judge is None else _Bench(run=run, request=request, judge=judge)
    fits: Fits = {}
    for level, prepared, start in zip(given.levels, given.prepared, given.starts, strict=True):
        names = {
            group.number: labels.by_number[start + group.number].label for group in prepared.groups
        }
        judged = (
            bench.fits(level, prepared, names) if bench else fidelity(names, prepared, level.labels)
        )
        fits |= {start + number: fit for number, fit in judged.items()}
    by_words = judge is None or judge.fell_back
    return Fitness(
        fits=fits,
        ledger=judge.ledger if judge else LabelingLedger(),
        judge="words" if by_words else "embedding",
    )


def texts_to_judge(given: Material, request: LabelRequest) -> list[str]:
    """What an embedding judge would be sent of the documents."""
    if request.provider is None or request.provider.embedding_model is None:
        return []
    judge = EmbeddingJudge(
        request.provider, request.terms, length=request.config.sample_text_max_length
    )
    least = request.terms.min_group_size
    return [
        judge.sent(text)
        for level, prepared in zip(given.levels, given.prepared, strict=True)
        for text in judged_texts(prepared, level.labels, least=least)
    ]


def _judge(request: LabelRequest, labels: Labels, ends_at: float) -> EmbeddingJudge | None:
    provider = request.provider
    if provider is None or provider.embedding_model is None:
        return None
    return EmbeddingJudge(
        provider,
        request.terms,
        length=request.config.sample_text_max_length,
        spent=labels.ledger.cost,
        ends_at=ends_at,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bench:
    """A judge by embeddings, and what it found before."""

    run: Run
    request: LabelRequest
    judge: EmbeddingJudge

    def fits(self, level: Level, prepared: Prepared, names: dict[int, str]) -> Fits:
        """Groups too small to be shown to anybody are judged by their words."""
        catalog, scope = self.run.pipeline.catalog, self.run.spec.scope
        key = _key(self.request, level, prepared, names)
        judged = recall_fits(catalog, scope, self.request.config, key)
        least = self.request.terms.min_group_size
        if judged is None:
            judged = fidelity(names, prepared, level.labels, judge=self.judge, least=least)
            if not self.judge.fell_back:
                remember_fits(catalog, scope, self.request.config, key, judged)
        return fidelity(names, prepared, level.labels) | judged if least else judged


def _key(request: LabelRequest, level: Level, prepared: Prepared, names: dict[int, str]) -> str:
    provider, terms = request.provider, request.terms
    content = {
        "version": _VERSION,
        "model": provider and provider.embedding_model,
        "length": request.config.sample_text_max_length,
        "scrub": terms.scrub,
        "least": terms.min_group_size,
        "names": sorted(names.items()),
        "nearest": [(group.number, group.nearest) for group in prepared.groups],
        "shown": sorted(prepared.representative_rows.items()),
    }
    digest = hashlib.sha256(json.dumps(content, default=str).encode(errors="replace"))
    digest.update(level.labels.tobytes())
    for text in prepared.texts:
        digest.update(text.encode(errors="replace") + b"\0")
    return f"fidelity-{digest.hexdigest()}"
