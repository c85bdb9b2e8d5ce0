"""What labels would cost, before any is asked for."""

from dataclasses import dataclass

from clustering_pipeline.labeling.asking.cache import cache_keys
from clustering_pipeline.labeling.asking.prompt import prompter
from clustering_pipeline.labeling.asking.rounds import asked
from clustering_pipeline.labeling.config import LabelingConfig
from clustering_pipeline.labeling.money.prices import price_of
from clustering_pipeline.labeling.money.tokens import prompt_tokens
from clustering_pipeline.labeling.provider import Usage
from clustering_pipeline.labeling.request import LabelRequest

# Tokens of a usual answer, part by part, JSON around it included.
_LABEL_TOKENS = 12
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
    cost: float | None


def estimate(request: LabelRequest) -> Estimate:
    """One call for each group that the cache cannot answer; retries and repairs come on top."""
    keys = cache_keys(request)
    known = {number for number, key in keys.items() if key in request.cached}
    groups = [group for group in asked(request) if group.number not in known]
    if not request.config.enabled or request.provider is None:
        groups = []
    ask = prompter(request).call
    calls = [ask(group) for group in groups]
    usage = Usage(
        prompt_tokens=sum(
            prompt_tokens(call.system, call.user, images=len(call.images)) for call in calls
        ),
        completion_tokens=len(calls) * _answer_tokens(request.config),
    )
    price = price_of(request.provider.model, request.terms.prices) if request.provider else None
    return Estimate(
        calls=len(calls),
        cached=len(known),
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        cost=price.of(usage) if price else None,
    )


def _answer_tokens(config: LabelingConfig) -> int:
    shape = config.response_shape
    fields = 0 if shape is None else 3 if isinstance(shape, str) else len(shape)
    return (
        _LABEL_TOKENS
        + _SUMMARY_TOKENS * config.include_summary
        + _KEYWORD_TOKENS * config.include_keywords
        + _FIELD_TOKENS * (fields + bool(config.candidate_labels))
    )
