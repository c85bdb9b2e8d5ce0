"""A client's connection to the supervisor of a stack, which keeps that stack alive."""

import socket
from pathlib import Path

from clustering_pipeline.local import wire
from clustering_pipeline.model.errors import LocalStackUnavailable

# Starting mongod over a large directory takes longest.
ANSWER_SECONDS = 90.0


class Lease:
    """Holds the stack until closed, or until this process ends."""

    def __init__(self, connection: socket.socket):
        self._connection = connection
        self._inbox = wire.Inbox(connection)

    def ask(self, request: wire.Message) -> wire.Message | None:
        """The supervisor's answer; ``None`` when there is no supervisor any more."""
        try:
            wire.send(self._connection, request)
            while (answers := self._inbox.receive()) is not None:
                if answers:
                    return answers[0]
        except TimeoutError:
            message = f"the embedded stack did not answer within {ANSWER_SECONDS:.0f} s; try again"
            raise LocalStackUnavailable(message) from None
        except ConnectionError:
            return None
        return None

    def close(self) -> None:
        """Give up the lease."""
        self._connection.close()


def connect(data_dir: Path) -> Lease | None:
    """A lease on the stack of ``data_dir``, if it runs."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(ANSWER_SECONDS)
    try:
        connection.connect(wire.address(data_dir))
    except ConnectionError:
        connection.close()
        return None
    if not wire.is_ours(connection):
        connection.close()
        message = (
            f"another user's process answers for {data_dir}; set CLUSTERING_DATA_DIR elsewhere"
        )
        raise LocalStackUnavailable(message)
    return Lease(connection)
