"""What an answer depends on: the same content need not be asked about again."""

import hashlib
import json
from collections import Counter

from clustering_pipeline.labeling.asking.prompt import shown, system_message
from clustering_pipeline.labeling.asking.schema import answer_schema
from clustering_pipeline.labeling.request import Group, LabelRequest

_VERSION = 1
"""Raised when answers to the same content would be read differently."""


def cache_keys(request: LabelRequest) -> dict[int, str]:
    """A key for each group: of its representatives, the instructions, the model and the schema.

    The neighbours are left out: a group that did not change keeps its label when they do.  Groups
    of the same content, as a group that is its parent's only part, are told apart by their order.
    """
    if request.provider is None:
        return {}
    seen: Counter[str] = Counter()
    keys: dict[int, str] = {}
    for group in request.groups:
        key = _key(group, request, request.provider.model)
        keys[group.number] = f"{key}-{seen[key]}" if seen[key] else key
        seen[key] += 1
    return keys


def _key(group: Group, request: LabelRequest, model: str) -> str:
    config = request.config
    content = {
        "version": _VERSION,
        "model": model,
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
