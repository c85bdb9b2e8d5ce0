"""Documents as clients bring them in and read them back."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from clustering_pipeline.model.base import RequestModel, View
from clustering_pipeline.model.filters.tree import FilterObject
from clustering_pipeline.model.ids import is_whole
from clustering_pipeline.model.json_values import JsonObject, check_text

MOST_DOCUMENTS = 1000
DOCUMENT_ID = "document_id"

Number = Annotated[float, Field(allow_inf_nan=False, ge=-3.4e38, le=3.4e38)]
VectorValue = Annotated[list[Number], Field(min_length=1, max_length=65_536)]
DocumentId = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(check_text)]
DocumentIds = Annotated[list[DocumentId], Field(min_length=1, max_length=MOST_DOCUMENTS)]


def as_filtered(payload: Mapping[str, Any], document_id: str) -> dict[str, Any]:
    """The payload as filters see it: ``document_id`` is what the document goes by, wherever that
    is written, as text and, where it is one, as a whole number.
    """
    number = [int(document_id)] if is_whole(document_id) else []
    return {**payload, DOCUMENT_ID: [document_id, *number] if number else document_id}


class DocumentInput(RequestModel):
    """One document: its id, its vectors, and whatever else is known of it."""

    document_id: DocumentId
    """A document of this id that is there already is replaced whole."""
    vectors: dict[str, VectorValue] = Field(default_factory=dict)
    """Name of the vector to its numbers; one that the document lacks is left out."""
    payload: JsonObject = Field(default_factory=dict)
    """Its fields: texts, attributes, anything that JSON has."""


class PutDocumentsRequest(RequestModel):
    """Documents to store."""

    documents: list[DocumentInput] = Field(min_length=1, max_length=MOST_DOCUMENTS)
    """Each id once."""

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        seen: set[str] = set()
        for document in self.documents:
            if document.document_id in seen:
                message = f"the document id {document.document_id[:60]!r} is given twice"
                raise ValueError(message)
            seen.add(document.document_id)
        return self


class ListDocumentsRequest(RequestModel):
    """Which documents, and how much of them."""

    filters: FilterObject | None = None
    """Conditions on the payload; null is all."""
    limit: int = Field(default=10, ge=1, le=1000)
    """Documents on a page."""
    cursor: str | None = Field(default=None, max_length=200)
    """``next_cursor`` of the page before this one."""
    select: list[str] | None = Field(default=None, max_length=200)
    """Top-level payload fields to show; null is all of them."""
    return_vectors: bool = False
    """Whether to show the vectors."""
    include_total: bool = False
    """Whether to count all documents that match."""


class DeleteDocumentsRequest(RequestModel):
    """Which documents to delete: by id, or all that match."""

    document_ids: DocumentIds | None = None
    """Their ids; those that are not there are passed over."""
    filters: FilterObject | None = None
    """Conditions on the payload; an empty object selects every document."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.document_ids is None) == (self.filters is None):
            message = "takes either document_ids or filters, one of both"
            raise ValueError(message)
        return self


class DocumentView(View):
    """A document as it is stored."""

    document_id: str
    """Its id."""
    point_id: str
    """Its id in Qdrant."""
    payload: dict[str, Any]
    """Its fields, with those that runs wrote."""
    vectors: dict[str, list[float | None]] | None = None
    """Its vectors, when asked for; a number that is not finite shows as null."""


class ListDocumentsResponse(View):
    """A page of documents, in the order of their ids in Qdrant."""

    results: list[DocumentView]
    """The documents of this page."""
    next_cursor: str | None = None
    """``cursor`` of the page after this one; null on the last."""
    total_count: int | None = None
    """Matches on all pages, when asked for."""


class PutDocumentsResponse(View):
    """What was stored."""

    written: int
    """Documents."""


class DeleteDocumentsResponse(View):
    """What was deleted."""

    deleted: int
    """Documents that were there and are gone."""
