"""What labels would cost, before any is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

from clustering_pipeline.labeling.config import LabelingConfig
from clustering_pipeline.labeling.llm.budget import asked_tokens
from clustering_pipeline.labeling.llm.cache import cache_keys
from clustering_pipeline.labeling.llm.embeddings import embedding_calls
from clustering_pipeline.labeling.llm.prompt import prompter
from clustering_pipeline.labeling.llm.rounds import asked
from clustering_pipeline.labeling.prices import price_of
from clustering_pipeline.labeling.provider import EmbeddingCall, Provider, Usage
from clustering_pipeline.labeling.request import LabelRequest, Terms

# Tokens of a usual answer, part by part, JSON around it included.
_LABEL_TOKENS = 12
_LABEL = "a label of four words"
_SUMMARY_TOKENS = 36
_KEYWORD_TOKENS = 34
_FIELD_TOKENS = 14


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Calls, tokens and dollars a labelling would take; ``cost`` is ``None`` without a price."""

    calls: int
    cached: int
    prompt_tokens: int
    completion_tokens: int
    embedding_calls: int = 0
    embedding_tokens: int = 0
    cost: float | None


def estimate(request: LabelRequest, *, judged: Sequence[str] = ()) -> Estimate:
    """One call for each group that the cache cannot answer; retries and repairs come on top.

    ``judged`` are the texts an embedding judge would read; without a new label it is not asked.
    """
    keys = cache_keys(request)
    known = {number for number, key in keys.items() if key in request.cached}
    groups = [group for group in asked(request) if group.number not in known]
    if not request.config.enabled or request.provider is None:
        groups = []
    ask = prompter(request).call
    calls = [ask(group) for group in groups]
    usage = Usage(
        prompt_tokens=sum(map(asked_tokens, calls)),
        completion_tokens=len(calls) * _answer_tokens(request.config),
    )
    vectors = _embeddings(request, judged) if calls else []
    embedding = Usage(prompt_tokens=sum(map(asked_tokens, vectors)))
    return Estimate(
        calls=len(calls),
        cached=len(known),
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        embedding_calls=len(vectors),
        embedding_tokens=embedding.prompt_tokens,
        cost=_cost(request.provider, request.terms, usage, embedding),
    )


def _embeddings(request: LabelRequest, judged: Sequence[str]) -> list[EmbeddingCall]:
    """To find labels of one meaning, and to judge how well each fits."""
    if request.provider is None or request.provider.embedding_model is None:
        return []
    labels = [_LABEL] * len(request.groups)
    config = request.config
    compared = config.use_embedding_dedup and not config.candidate_labels and len(labels) > 1
    alone = embedding_calls(labels) if compared else []
    return [*alone, *(embedding_calls([*labels, *judged]) if judged else [])]


def _cost(provider: Provider | None, terms: Terms, usage: Usage, embedding: Usage) -> float | None:
    """``None`` where a model that would be asked has no price."""
    price = price_of(provider.model, terms.prices) if provider else None
    if provider is None or price is None or not embedding.prompt_tokens:
        return price.of(usage) if price else None
    other = price_of(provider.embedding_model or "", terms.prices)
    return price.of(usage) + other.of(embedding) if other else None


def _answer_tokens(config: LabelingConfig) -> int:
    shape = config.response_shape
    fields = 0 if shape is None else 3 if isinstance(shape, str) else len(shape)
    return (
        _LABEL_TOKENS
        + _SUMMARY_TOKENS * config.include_summary
        + _KEYWORD_TOKENS * config.include_keywords
        + _FIELD_TOKENS * (fields + bool(config.candidate_labels))
    )
