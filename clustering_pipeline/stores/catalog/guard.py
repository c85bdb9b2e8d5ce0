"""Every call to MongoDB goes through here: retried a little, then given up with one clear error."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import stamina
from pymongo.errors import (
    ConnectionFailure,
    DocumentTooLarge,
    DuplicateKeyError,
    ExecutionTimeout,
    OperationFailure,
    WTimeoutError,
)

from clustering_pipeline.model.errors import CatalogUnavailable, InvalidRequest

Result = TypeVar("Result")

ATTEMPTS = 3
TRANSIENT = (ConnectionFailure, ExecutionTimeout, WTimeoutError)
_REFUSED = frozenset({13, 18, 8000})  # Unauthorized, AuthenticationFailed, AtlasError
_TOO_LARGE = frozenset({10334, 17419, 17420})  # a document, or one that an update makes so


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Runs an operation; raises ``CatalogUnavailable`` when MongoDB does not do it in time, and
    ``InvalidRequest`` for more than it takes at once.
    """

    address: str
    seconds: float

    def __call__(self, operation: Callable[[], Result]) -> Result:
        """What ``operation`` returns."""
        try:
            return _retried(operation, seconds=self.seconds)
        except TRANSIENT as error:
            message = f"the catalog does not answer: no MongoDB at {self.address}; is it running?"
            raise CatalogUnavailable(message) from error
        except DuplicateKeyError:
            raise
        except DocumentTooLarge as error:
            raise _too_large() from error
        except OperationFailure as error:
            if error.code in _TOO_LARGE:
                raise _too_large() from error
            if error.code not in _REFUSED:
                raise
            message = f"the catalog refuses us: MongoDB at {self.address} denies these credentials"
            raise CatalogUnavailable(message) from error


def _too_large() -> InvalidRequest:
    message = (
        "this is more than the catalog takes, which keeps a record, with what lists search it by, "
        "in 16 MB: shorten its longest texts, or its metadata"
    )
    return InvalidRequest(message)


def _retried(operation: Callable[[], Result], *, seconds: float) -> Result:
    attempt = stamina.RetryingCaller(
        attempts=ATTEMPTS, timeout=seconds, wait_initial=0.05, wait_max=1.0
    )
    return attempt(TRANSIENT, operation)


def address_of(uri: str) -> str:
    """The address without user, password and options, fit to be shown."""
    host = re.sub(r"//.*@", "//", uri, flags=re.DOTALL)
    return host.partition("?")[0].rstrip("/")
