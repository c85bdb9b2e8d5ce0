"""Answers of models, kept in the catalog for as long as the definition says."""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

from clustering_pipeline.labeling import LabelingConfig, Named
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.stores.catalog import Catalog


def recall(
    catalog: Catalog, scope: Scope, config: LabelingConfig, keys: Collection[str]
) -> dict[str, Named]:
    """What was answered before; nothing when ``cache_ttl_seconds`` is 0."""
    if not config.cache_ttl_seconds or not keys:
        return {}
    found = catalog.label_answers.find(scope, keys, seconds=config.cache_ttl_seconds)
    return {key: _named(answer) for key, answer in found.items()}


def remember(
    catalog: Catalog, scope: Scope, config: LabelingConfig, answers: Mapping[str, Named]
) -> None:
    """Keeps new answers; none when ``cache_ttl_seconds`` is 0."""
    if config.cache_ttl_seconds:
        kept = {key: json.dumps(asdict(named)) for key, named in answers.items()}
        catalog.label_answers.keep(scope, kept, seconds=config.cache_ttl_seconds)


def _named(answer: str) -> Named:
    fields: dict[str, Any] = json.loads(answer)
    fields["keywords"] = tuple(fields["keywords"])
    return Named(**fields)
