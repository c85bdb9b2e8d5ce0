"""How much a test does: CI size by default, the full size with ``CLUSTERING_TEST_SIZE=full``."""

import os

FULL = os.environ.get("CLUSTERING_TEST_SIZE") == "full"


def size(*, ci: int, full: int) -> int:
    return full if FULL else ci
