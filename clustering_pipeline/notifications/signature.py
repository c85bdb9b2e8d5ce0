"""Signatures in the manner of Standard Webhooks (standardwebhooks.com), which libraries verify."""

import base64
import hashlib
import hmac
from collections.abc import Mapping

from clustering_pipeline.model.automation.webhooks import SECRET_PREFIX


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """``v1,`` and the HMAC-SHA256, in base64, of id, Unix time and body."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = b".".join([message_id.encode(), str(timestamp).encode(), body])
    return f"v1,{base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()}"


def headers(secret: str, message_id: str, timestamp: int, body: bytes) -> Mapping[str, str]:
    """What goes with a message, so that its receiver knows it is ours, whole and new."""
    return {
        "content-type": "application/json",
        "user-agent": "clustering-pipeline",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secret, message_id, timestamp, body),
    }
