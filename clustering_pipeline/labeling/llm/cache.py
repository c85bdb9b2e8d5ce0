"""What an answer depends on: the same content need not be asked about again."""

import hashlib
import json
from collections import Counter

from clustering_pipeline.labeling.llm.prompt import shown, system_message
from clustering_pipeline.labeling.llm.schema import answer_schema
from clustering_pipeline.labeling.provider import Provider
from clustering_pipeline.labeling.request import Group, LabelRequest

_VERSION = 1
"""Raised when answers to the same content would be read differently."""


def cache_keys(request: LabelRequest) -> dict[int, str]:
    """A key for each group: of its representatives, the instructions, the schema, and the model.

    A model is known by its name and its server: two servers may call two models the same.

    The neighbours are left out: a group that did not change keeps its label when they do.  Groups
    of the same content, as a group that is its parent's only part, are told apart by their order.
    """
    if request.provider is None:
        return {}
    seen: Counter[str] = Counter()
    keys: dict[int, str] = {}
    for group in request.groups:
        key = _key(group, request, request.provider)
        keys[group.number] = f"{key}-{seen[key]}" if seen[key] else key
        seen[key] += 1
    return keys


def _key(group: Group, request: LabelRequest, provider: Provider) -> str:
    config = request.config
    content = {
        "version": _VERSION,
        "model": [provider.base_url.rstrip("/"), provider.model],
        "system": system_message(config),
        "schema": answer_schema(config),
        "parameters": config.parameters,
        "documents": [
            [*shown(example, config, scrub=request.terms.scrub), *example.inputs.images]
            for example in group.examples
        ],
    }
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()
