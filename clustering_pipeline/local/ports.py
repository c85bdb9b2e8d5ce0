"""Free TCP ports on the loopback interface."""

import socket

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A port nobody listened on a moment ago; somebody may before its user does."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def is_listening(port: int) -> bool:
    """Whether anybody answers there."""
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0
