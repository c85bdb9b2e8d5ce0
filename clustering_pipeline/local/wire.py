"""How a process and its supervisor talk: JSON lines over a Unix socket.

The socket's address is abstract (no file, gone with its owner) and a digest of the data
directory, because a path may be longer than the 108 bytes an address can hold.
"""

import hashlib
import json
import os
import socket
import struct
from pathlib import Path
from typing import Any

Message = dict[str, Any]

_CREDENTIALS = struct.Struct("3i")
_CHUNK = 65536


def address(data_dir: Path) -> str:
    """Where the supervisor of a data directory listens."""
    digest = hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()[:32]
    return f"\0clustering-pipeline-{os.getuid()}-{digest}"


def is_ours(connection: socket.socket) -> bool:
    """Whether the process at the other end runs as the same user."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, user, _ = _CREDENTIALS.unpack(raw)
    return bool(user == os.getuid())


def send(connection: socket.socket, message: Message) -> None:
    """Send one message."""
    connection.sendall(json.dumps(message).encode() + b"\n")


class Inbox:
    """Messages from one connection, cut out of its bytes."""

    def __init__(self, connection: socket.socket):
        self._connection = connection
        self._rest = b""

    def receive(self) -> list[Message] | None:
        """Wait for bytes, and give the messages they complete.

        ``None`` when the other end is gone, or speaks another language.
        """
        try:
            chunk = self._connection.recv(_CHUNK)
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            return [json.loads(line) for line in lines] if chunk else None
        except (ConnectionError, ValueError):
            return None
