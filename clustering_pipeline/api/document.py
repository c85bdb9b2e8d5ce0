"""The OpenAPI document as it is served: shorter than it is made, and with examples."""

from collections.abc import Iterator
from typing import Any

from clustering_pipeline.api.errors import TYPES
from clustering_pipeline.api.examples import EXAMPLES

Document = dict[str, Any]


def finished(document: Document) -> Document:
    """The document, changed in place: errors are said once, and every body has its example."""
    shared: Document = {}
    for operation in _operations(document):
        _share_errors(operation["responses"], shared)
        _show_example(operation)
    document["components"]["responses"] = dict(sorted(shared.items()))
    return document


def _operations(document: Document) -> Iterator[Document]:
    for methods in document["paths"].values():
        yield from methods.values()


def _share_errors(responses: Document, shared: Document) -> None:
    for status, kind in TYPES.items():
        found = responses.get(str(status))
        if found is not None and found == shared.setdefault(kind, found):
            responses[str(status)] = {"$ref": f"#/components/responses/{kind}"}


def _show_example(operation: Document) -> None:
    example = EXAMPLES.get(operation["operationId"])
    if example is not None and "requestBody" in operation:
        operation["requestBody"]["content"]["application/json"]["example"] = example
