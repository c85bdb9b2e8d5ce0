"""What a page's address carries: the question, where it left off, and as of when."""

import base64
import binascii
import json
import zlib
from typing import Any

from clustering_pipeline.model.errors import InvalidRequest

_LARGEST = 1_000_000  # bytes a cursor may unpack to


def encode_cursor(facts: dict[str, Any]) -> str:
    """The facts as text that needs no escaping in an address."""
    packed = zlib.compress(json.dumps(facts, separators=(",", ":")).encode(), 9)
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def decode_cursor(cursor: str) -> dict[str, Any]:
    """The facts in a cursor; raises ``InvalidRequest`` when it is not one of ours."""
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        facts = json.loads(zlib.decompressobj().decompress(packed, _LARGEST))
    except (binascii.Error, zlib.error, ValueError, RecursionError) as error:
        message = "cursor is not one that this service made: take it from a page's next_cursor"
        raise InvalidRequest(message) from error
    return facts if isinstance(facts, dict) else {}
