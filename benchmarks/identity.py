"""Seconds to match the groups of two runs: ``python benchmarks/identity.py [DOCUMENTS] [GROUPS]``.

A third of the documents changed their group, a tenth are new and a tenth went.
"""

import sys
import time

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.identity import Generation, identify


def generation(
    documents: NDArray[np.int64], labels: NDArray[np.int64], groups: int, uids: tuple[str, ...] = ()
) -> Generation:
    """Flat groups of documents named by number."""
    return Generation(
        documents=[f"col_0123456789ab\x1f{one:032x}" for one in documents.tolist()],
        names=[f"document {one}" for one in documents.tolist()],
        deepest=labels,
        paths=tuple((number,) for number in range(groups)),
        uids=uids,
    )


def main() -> None:
    """Prints the time, and how many groups continue."""
    count, groups = (int(one) for one in [*sys.argv[1:3], "50000", "500"][:2])
    random = np.random.default_rng(7)
    labels = random.integers(-1, groups, count)
    first = identify(generation(np.arange(count), labels, groups))
    documents = np.arange(count // 10, count + count // 10)
    again = np.concatenate([labels[count // 10 :], random.integers(-1, groups, count // 10)])
    moved = random.random(len(again)) < 1 / 3
    again[moved] = random.integers(-1, groups, int(moved.sum()))
    started = time.perf_counter()
    before = generation(np.arange(count), labels, groups, first.uids)
    found = identify(generation(documents, again, groups), before)
    seconds = time.perf_counter() - started
    print(
        f"{count:,} documents, {groups} groups against {groups}: {seconds:.2f} s, "
        f"{len(found.matches)} continue, {len(found.events)} events"
    )


if __name__ == "__main__":
    main()
