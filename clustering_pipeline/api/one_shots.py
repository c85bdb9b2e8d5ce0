"""Clusters while the client waits: a few calls at once, each with its time."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from clustering_pipeline.model.definitions.one_shot import (
    ExecuteClusterRequest,
    ExecuteClusterResponse,
)
from clustering_pipeline.model.errors import DoesNotFit, RunCanceled, TooManyRequests
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.service.executions.one_shot import execute_once
from clustering_pipeline.settings import Settings

_RETRY_SECONDS = 5

Work = Callable[..., ExecuteClusterResponse]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stop:
    """Ends the work of a call when its time is over, or the server's."""

    ends_at: float
    seconds: float
    closing: threading.Event

    def __call__(self) -> None:
        if self.closing.is_set():
            message = "the server is stopping: ask again"
            raise RunCanceled(message)
        if time.monotonic() > self.ends_at:
            raise _too_long(self.seconds)


class OneShots:
    """Calls beyond those at work are refused: what waited would be late when its turn came."""

    def __init__(self, settings: Settings, pipeline: Pipeline, *, work: Work = execute_once):
        self._work = work
        self._settings = settings
        self._pipeline = pipeline
        self._closing = threading.Event()
        self._pool = ThreadPoolExecutor(settings.api_one_shots, thread_name_prefix="one-shot")
        self._free = threading.BoundedSemaphore(settings.api_one_shots)

    async def execute(self, scope: Scope, request: ExecuteClusterRequest) -> ExecuteClusterResponse:
        """The groups; raises what ``execute_once`` does, DoesNotFit when time is over, and
        TooManyRequests while others take all the places.

        Whoever waits keeps no thread from other calls.
        """
        seconds = self._settings.api_one_shot_seconds
        if not self._free.acquire(blocking=False):
            raise _busy(self._settings.api_one_shots)
        stop = _Stop(ends_at=time.monotonic() + seconds, seconds=seconds, closing=self._closing)
        work = self._pool.submit(
            self._work,
            self._pipeline,
            scope,
            request,
            most_documents=self._settings.api_one_shot_documents,
            stop=stop,
        )
        # A call that is given up works until its next step.
        work.add_done_callback(lambda _work: self._free.release())
        try:
            return await asyncio.wait_for(asyncio.wrap_future(work), seconds)
        except TimeoutError:
            raise _too_long(seconds) from None

    def close(self) -> None:
        """Ends the calls at work at their next step."""
        self._closing.set()
        self._pool.shutdown(cancel_futures=True)


def _busy(places: int) -> TooManyRequests:
    message = (
        f"{places} calls are clustered while their clients wait, and no more at once: ask again in "
        f"{_RETRY_SECONDS} s, or store a definition (POST /v1/clusters) and execute that"
    )
    return TooManyRequests(message, details={"retry_after": _RETRY_SECONDS})


def _too_long(seconds: float) -> DoesNotFit:
    message = (
        f"this takes longer than the {seconds:g} s that a call may: store a definition "
        "(POST /v1/clusters) and execute that"
    )
    return DoesNotFit(message)
