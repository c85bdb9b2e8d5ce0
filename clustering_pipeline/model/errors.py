"""Every error this project raises on purpose.

ClusteringError
├── MalformedRequest (400)
├── Unauthorized (401)
├── Forbidden (403)
├── TooManyRequests (429)
├── InvalidRequest (422)
│   ├── InvalidSettings
│   ├── InvalidDefinition
│   ├── InvalidFilter
│   ├── InvalidParameters
│   ├── UnknownVector
│   ├── DocumentsRefused
│   ├── NotAvailableYet
│   ├── ReceiverRefused
│   └── InputRejected (422, raised by a run when it meets its data)
│       ├── EmptySelection
│       ├── InvalidVectors
│       ├── WrongDimension
│       └── DoesNotFit
├── NotFound (404)
│   ├── ClusterNotFound
│   ├── CollectionNotFound
│   ├── DocumentNotFound
│   ├── BatchNotFound
│   ├── ExecutionNotFound
│   ├── GroupNotFound
│   ├── TaskNotFound
│   ├── TriggerNotFound
│   ├── WebhookNotFound
│   ├── NamespaceNotFound
│   ├── OrganizationNotFound
│   ├── KeyNotFound
│   └── ArtifactNotFound
├── Conflict (409)
│   ├── NameTaken
│   ├── StaleVersion
│   ├── ExecutionInFlight
│   ├── StateConflict
│   └── FieldTaken
├── StoreUnavailable (503)
│   ├── CatalogUnavailable
│   ├── DocumentsUnavailable
│   ├── ArtifactsUnavailable
│   ├── EmbeddingFailed
│   └── LocalStackUnavailable
├── LabelingFailed (500, never fails a run)
└── RunEnded (500, how an execution stopped short)
    ├── RunFailed
    ├── RunInterrupted
    └── RunCanceled

A message names the thing and the fix, in one sentence.  ``status`` is the HTTP status the API
answers with; ``category`` is what a failed execution records as ``failure_category``.
"""

from collections.abc import Mapping
from typing import ClassVar


class ClusteringError(Exception):
    """The root; catching it catches everything this project raises on purpose."""

    status: ClassVar[int] = 500
    category: ClassVar[str] = "internal"

    def __init__(self, message: str, *, details: Mapping[str, object] | None = None):
        super().__init__(message)
        self.message = message
        self.details = dict(details or {})


class MalformedRequest(ClusteringError):
    """A request that cannot be read at all: not JSON, or too large."""

    status = 400
    category = "invalid_request"


class Unauthorized(ClusteringError):
    """No key, or one that nobody holds."""

    status = 401
    category = "invalid_request"


class Forbidden(ClusteringError):
    """The key does not reach this namespace, or may only read."""

    status = 403
    category = "invalid_request"


class TooManyRequests(ClusteringError):
    """More was asked for than may be; ``details.retry_after`` is seconds to wait."""

    status = 429
    category = "invalid_request"


class InvalidRequest(ClusteringError):
    """What was asked for cannot be understood or done."""

    status = 422
    category = "invalid_request"


class InvalidSettings(InvalidRequest):
    """An environment variable of ours cannot be read."""


class InvalidDefinition(InvalidRequest):
    """A cluster definition breaks a rule."""


class InvalidFilter(InvalidRequest):
    """A filter has an unknown operator, a null item, or nests too deep."""


class InvalidParameters(InvalidRequest):
    """An algorithm or preprocessing step was given parameters it does not take."""


class UnknownVector(InvalidRequest):
    """A collection has no vector of that name or feature URI."""


class DocumentsRefused(InvalidRequest):
    """Qdrant does not take documents or fields as they are: a wrong length, an unknown point."""


class NotAvailableYet(InvalidRequest):
    """A field of the contract whose behaviour is not built yet, not at its default."""


class ReceiverRefused(InvalidRequest):
    """Messages cannot be posted to that address, or must not be."""


class InputRejected(InvalidRequest):
    """The documents of a run cannot be clustered."""

    category = "input_rejected"


class EmptySelection(InputRejected):
    """No document matches."""


class InvalidVectors(InputRejected):
    """Some vectors hold NaN or infinity."""


class WrongDimension(InputRejected):
    """Vectors of different lengths would have to be clustered together."""


class DoesNotFit(InputRejected):
    """The job would need more memory or time than there is."""


class NotFound(ClusteringError):
    """Nothing has that id or name here."""

    status = 404
    category = "not_found"


class ClusterNotFound(NotFound):
    """No cluster definition has that id or name."""


class CollectionNotFound(NotFound):
    """No collection has that id or name, or its Qdrant collection is gone."""


class DocumentNotFound(NotFound):
    """No document of the collection has that id."""


class BatchNotFound(NotFound):
    """No batch has that id."""


class ExecutionNotFound(NotFound):
    """No execution has that run id."""


class GroupNotFound(NotFound):
    """The run has no group of that id."""


class TaskNotFound(NotFound):
    """No task has that id."""


class TriggerNotFound(NotFound):
    """No trigger has that id."""


class WebhookNotFound(NotFound):
    """No webhook has that id."""


class NamespaceNotFound(NotFound):
    """No namespace of the organisation has that id or name."""


class OrganizationNotFound(NotFound):
    """No organisation has that id or name."""


class KeyNotFound(NotFound):
    """No API key has that id."""


class ArtifactNotFound(NotFound):
    """A run's file is missing."""


class Conflict(ClusteringError):
    """The request is fine, and something that exists stands in its way."""

    status = 409
    category = "conflict"


class NameTaken(Conflict):
    """Another record of the namespace has that name."""


class StaleVersion(Conflict):
    """The record changed since it was read."""


class ExecutionInFlight(Conflict):
    """The definition already has a run under way."""


class StateConflict(Conflict):
    """The record is in a state that does not allow this."""


class FieldTaken(Conflict):
    """Another definition already writes that field on that collection."""


class StoreUnavailable(ClusteringError):
    """An outside system did not answer, after bounded retries."""

    status = 503
    category = "store_unavailable"


class CatalogUnavailable(StoreUnavailable):
    """MongoDB did not answer."""


class DocumentsUnavailable(StoreUnavailable):
    """Qdrant did not answer."""


class ArtifactsUnavailable(StoreUnavailable):
    """The folder or the S3 bucket did not answer."""


class EmbeddingFailed(StoreUnavailable):
    """A model made no vectors of texts."""


class LocalStackUnavailable(StoreUnavailable):
    """The embedded stack could not be started: a binary is missing, or the platform has none."""


class LabelingFailed(ClusteringError):
    """A group could not be labelled; it keeps its keyphrases."""

    category = "labeling"


class RunEnded(ClusteringError):
    """An execution stopped before its end."""


class RunFailed(RunEnded):
    """A stage of the run failed; the message is the stage's."""


class RunInterrupted(RunEnded):
    """The process of the run is gone."""

    category = "interrupted"


class RunCanceled(RunEnded):
    """Somebody cancelled the run."""

    category = "canceled"


PUBLIC_CATEGORIES = ("timeout", "infrastructure", "orphaned", "pipeline", "validation", "unknown")

_PUBLIC = {
    "conflict": "validation",
    "input_rejected": "validation",
    "invalid_request": "validation",
    "not_found": "validation",
    "store_unavailable": "infrastructure",
    "interrupted": "orphaned",
    "internal": "pipeline",
    "labeling": "pipeline",
    "timeout": "timeout",
}


def public_category(category: str | None) -> str | None:
    """The category that existing clients know, for one of ours (see ``errors.py``)."""
    return None if category is None else _PUBLIC.get(category, "unknown")
