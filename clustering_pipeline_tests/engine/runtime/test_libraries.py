"""Warnings of libraries end up with the run that they are about."""

import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from clustering_pipeline.engine.runtime.libraries import collected


def test_each_message_is_kept_once_and_none_is_shown() -> None:
    with collected() as messages:
        for message in ("two", "one", "two"):
            warnings.warn(message, stacklevel=1)
    assert messages == ["one", "two"]


def test_what_is_warned_of_inside_is_told_there() -> None:
    with collected() as outer:
        with collected() as inner:
            warnings.warn("inside", stacklevel=1)
        warnings.warn("outside", stacklevel=1)
    assert (outer, inner) == (["outside"], ["inside"])


def test_what_a_worker_warns_of_is_told() -> None:
    with collected() as messages, ThreadPoolExecutor(1) as worker:
        worker.submit(warnings.warn, "from a worker").result()
    assert messages == ["from a worker"]


def test_runs_side_by_side_hear_their_own_in_whatever_order_they_end() -> None:
    before = (warnings.filters[:], warnings.showwarning)
    with ThreadPoolExecutor(1) as first, ThreadPoolExecutor(1) as second:
        one, other = collected(), collected()
        heard = [first.submit(one.__enter__).result(), second.submit(other.__enter__).result()]
        first.submit(warnings.warn, "of the first").result()
        first.submit(one.__exit__, None, None, None).result()
        second.submit(warnings.warn, "of the second").result()
        second.submit(other.__exit__, None, None, None).result()
    assert heard == [["of the first"], ["of the second"]]
    assert (warnings.filters[:], warnings.showwarning) == before
    with pytest.raises(UserWarning, match="an error again"):
        warnings.warn("an error again", stacklevel=1)
