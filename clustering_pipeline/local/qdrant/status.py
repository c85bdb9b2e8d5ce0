"""What the server answers when it cannot do what it is asked: a gRPC status and a sentence."""

import grpc


class Refused(Exception):
    """A request ends here, with this status and this message."""

    def __init__(self, code: grpc.StatusCode, message: str, *, retry_after: int | None = None):
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after = retry_after
        """Seconds after which the same request may pass."""


def not_found(*, what: str) -> Refused:
    """Nothing of that name or id."""
    return Refused(grpc.StatusCode.NOT_FOUND, f"Not found: {what}")


def collection_missing(name: str) -> Refused:
    """No collection and no alias is called that."""
    return not_found(what=f"Collection `{name}` doesn't exist!")


def wrong_input(*, reason: str) -> Refused:
    """The request contradicts itself or the collection."""
    return Refused(grpc.StatusCode.INVALID_ARGUMENT, f"Wrong input: {reason}")


def bad_request(*, reason: str) -> Refused:
    """The collection does not let a request ask that."""
    return Refused(grpc.StatusCode.INVALID_ARGUMENT, f"Bad request: {reason}")


def rate_limited(*, reason: str, retry_after: int | None = None) -> Refused:
    """More was asked than the collection lets one ask in a minute."""
    message = f"Rate limiting exceeded: {reason}"
    return Refused(grpc.StatusCode.RESOURCE_EXHAUSTED, message, retry_after=retry_after)


def already_exists(*, what: str) -> Refused:
    """The name is taken."""
    return Refused(grpc.StatusCode.ALREADY_EXISTS, what)


def unserved(*, what: str) -> Refused:
    """A real server would do this; the embedded one does not."""
    message = (
        f"{what} is not served by the embedded Qdrant; set CLUSTERING_QDRANT_URL to use a server"
    )
    return Refused(grpc.StatusCode.UNIMPLEMENTED, message)


# What the engine's messages mean to a client; it raises bare exceptions.
_WRONG_INPUT = (
    "Not existing vector name",
    "Vector dimension error",
    "Wrong usage of",
    "Validation failed",
    "No range index for",
    "No appropriate index for",
)


def from_engine(error: BaseException) -> Refused:
    """The answer that stands for an exception of the engine."""
    message = str(error)
    if isinstance(error, ValueError):  # of an argument, before anything was done
        return wrong_input(reason=message)
    if "No point with id" in message:
        return not_found(what=message)
    if any(part in message for part in _WRONG_INPUT):
        return wrong_input(reason=message)
    return Refused(grpc.StatusCode.INTERNAL, f"Service internal error: {message}")
