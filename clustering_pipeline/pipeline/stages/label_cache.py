"""Answers of models, kept in the catalog for as long as the definition says."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

from clustering_pipeline.labeling import Fidelity, LabelingConfig, LabelRequest, Labels, Named
from clustering_pipeline.labeling.llm.schema import answer_schema
from clustering_pipeline.labeling.provider import FORMATS, Format, Provider
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.stores.catalog import Catalog

# A server may learn stricter forms, and a refusal may have been a mistake: it is asked again.
_SERVERS_CHANGE = 86_400


def recall(
    catalog: Catalog, scope: Scope, config: LabelingConfig, keys: Collection[str]
) -> dict[str, Named]:
    """What was answered before; nothing when ``cache_ttl_seconds`` is 0."""
    if not config.cache_ttl_seconds or not keys:
        return {}
    answers = catalog.label_answers.find(scope, keys, seconds=config.cache_ttl_seconds)
    return {key: _named(answer) for key, answer in answers.items()}


def remember(catalog: Catalog, scope: Scope, request: LabelRequest, labels: Labels) -> None:
    """Keeps new answers, none when ``cache_ttl_seconds`` is 0, and what the server can do, so that
    the next run does not find it out again.
    """
    seconds = request.config.cache_ttl_seconds
    if seconds:
        stored = {key: json.dumps(asdict(named)) for key, named in labels.fresh.items()}
        catalog.label_answers.keep(scope, stored, seconds=seconds)
    if request.provider is not None and labels.format != request.format:
        known = {_server(request.provider, request.config): labels.format}
        catalog.label_answers.keep(scope, known, seconds=_SERVERS_CHANGE)


def recall_fits(
    catalog: Catalog, scope: Scope, config: LabelingConfig, key: str
) -> dict[int, Fidelity] | None:
    """What an embedding judge found before, if it was asked the same."""
    if not config.cache_ttl_seconds:
        return None
    answers = catalog.label_answers.find(scope, [key], seconds=config.cache_ttl_seconds)
    if key not in answers:
        return None
    return {number: Fidelity(**fit) for number, fit in json.loads(answers[key])}


def remember_fits(
    catalog: Catalog, scope: Scope, config: LabelingConfig, key: str, fits: Mapping[int, Fidelity]
) -> None:
    """Keeps what an embedding judge found."""
    if config.cache_ttl_seconds:
        stored = json.dumps([(number, asdict(fit)) for number, fit in fits.items()])
        catalog.label_answers.keep(scope, {key: stored}, seconds=config.cache_ttl_seconds)


def recall_format(
    catalog: Catalog, scope: Scope, provider: Provider, config: LabelingConfig
) -> Format:
    """The strictest form in which this server's model gave such answers; the strictest there is."""
    key = _server(provider, config)
    known = catalog.label_answers.find(scope, [key], seconds=_SERVERS_CHANGE)
    return next((form for form in FORMATS if form == known.get(key)), FORMATS[0])


def _server(provider: Provider, config: LabelingConfig) -> str:
    """A schema that a server refuses says nothing about definitions with another one."""
    place = [provider.base_url, provider.model, answer_schema(config)]
    text = json.dumps(place, sort_keys=True, ensure_ascii=False, default=str)
    return f"form-{hashlib.sha256(text.encode(errors='replace')).hexdigest()}"


def _named(answer: str) -> Named:
    fields: dict[str, Any] = json.loads(answer)
    fields["keywords"] = tuple(fields["keywords"])
    return Named(**fields)
