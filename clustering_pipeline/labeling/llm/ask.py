"""What it takes to get one good answer: retries, looser forms, more room, one repair."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from clustering_pipeline.labeling.llm.answers import CutShort, Reader
from clustering_pipeline.labeling.llm.budget import Purse
from clustering_pipeline.labeling.provider import (
    FORMATS,
    Answer,
    Call,
    Embedded,
    EmbeddingCall,
    Failure,
    Format,
    Provider,
)
from clustering_pipeline.labeling.request import Named
from clustering_pipeline.logs import tell
from clustering_pipeline.model.errors import LabelingFailed

LOG = logging.getLogger(__name__)
_ROOM = 4
"""How much longer an answer may be after one that was cut short."""
_TRIES = {"busy": 6, "unreachable": 3, "timeout": 2}
_LONGEST_PAUSE = 20.0
_GIVEN_UP_AFTER = 8
_PROOF = 2
"""Questions that a form must have been refused for where no refusal named it."""
_Asked = TypeVar("_Asked", bound=Call | EmbeddingCall)
_Given = TypeVar("_Given", bound=Answer | Embedded)
_NO_MONEY = "max_cost is spent; raise it, or let the rest keep their keyphrases"


class Line:
    """The line to one server: what it can do, whether it is there, and what it costs."""

    def __init__(
        self,
        provider: Provider,
        purse: Purse,
        *,
        retry_pause: float,
        format: Format = FORMATS[0],  # noqa: A002 - the contract's word
    ):
        self.purse = purse
        self.provider = provider
        self._retry_pause = retry_pause
        self._unanswered = 0
        self._first: Format = format
        self._answered: set[Format] = set()
        self._named: set[Format] = set()
        self._doubts: Counter[Format] = Counter()

    async def send(self, call: Call) -> Answer | Failure:
        """One answer, whatever retries it takes; paid for."""
        outcome = await self._tried(call, self.provider.complete)
        self._note(outcome)
        if isinstance(outcome, Answer):
            self._answered.add(call.format)
        return outcome

    async def embed(self, call: EmbeddingCall) -> Embedded | Failure:
        """Vectors, whatever retries they take; paid for."""
        return await self._tried(call, self.provider.embed)

    @property
    def is_dead(self) -> bool:
        """Whether so many calls in a row went unanswered that no more are worth their wait."""
        return self._unanswered >= _GIVEN_UP_AFTER

    @property
    def format(self) -> Format:
        """The strictest form that the server is not known to lack: what a call begins with."""
        return next(form for form in self._forms if form == FORMATS[-1] or not self._lacks(form))

    @property
    def proven(self) -> Format:
        """What a later run may begin with.

        Looser than this run only where the server named each stricter form as what it cannot do and
        answered in this one; what went wrong for other reasons says nothing about the server.
        """
        for form in self._forms:
            if form in self._answered:
                return form
            if form not in self._named:
                break
        return self._first

    def looser(self, call: Call, refused: Failure) -> Call | None:
        """The refused call in the next looser form; ``None`` where that cannot help."""
        place = FORMATS.index(call.format) + 1
        if place >= len(FORMATS) or (call.format in self._answered and not refused.names_form):
            return None
        form = max(self.format, FORMATS[place], key=FORMATS.index)
        return replace(call, format=form)

    def learn(self, refusals: Mapping[Format, bool]) -> None:
        """Forms in which a question was refused that was answered in a looser one.

        The value tells whether the refusal named the form; else two questions must agree.
        """
        self._doubts.update(refusals.keys())
        self._named.update(form for form, named in refusals.items() if named)

    @property
    def _forms(self) -> tuple[Format, ...]:
        return FORMATS[FORMATS.index(self._first) :]

    def _lacks(self, form: Format) -> bool:
        doubted = form in self._named or self._doubts[form] >= _PROOF
        return doubted and form not in self._answered

    async def _tried(
        self, call: _Asked, ask: Callable[[_Asked], Awaitable[_Given | Failure]]
    ) -> _Given | Failure:
        attempt = 1
        outcome = await self._once(call, ask)
        while isinstance(outcome, Failure) and attempt < _TRIES.get(outcome.kind, 1):
            pause = self._pause(outcome, attempt)
            tell(LOG, "call retried", logging.WARNING, because=outcome.kind, wait_seconds=pause)
            await asyncio.sleep(pause)
            outcome = await self._once(call, ask)
            attempt += 1
        return outcome

    async def _once(
        self, call: _Asked, ask: Callable[[_Asked], Awaitable[_Given | Failure]]
    ) -> _Given | Failure:
        if not await self.purse.allows(call):
            return Failure(kind="refused", message=_NO_MONEY)
        outcome: _Given | Failure | None = None
        try:
            async with asyncio.timeout(call.timeout):
                outcome = await ask(call)
        except TimeoutError:
            outcome = Failure(kind="timeout", message=_too_late(call))
        finally:
            await self.purse.settle(call, outcome)
        return outcome

    def _note(self, outcome: Answer | Failure) -> None:
        silent = isinstance(outcome, Failure) and outcome.kind in {"unreachable", "timeout"}
        self._unanswered = self._unanswered + 1 if silent else 0

    def _pause(self, failure: Failure, attempt: int) -> float:
        asked = failure.retry_after
        return (
            self._retry_pause * 2.0 ** (attempt - 1)
            if asked is None
            else min(asked, _LONGEST_PAUSE)
        )


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """One group's question, until its answer is good or given up."""

    line: Line
    reader: Reader

    async def ask(self, call: Call) -> Named | LabelingFailed:
        """The label; a failure, with the reason, instead of an exception."""
        call = replace(call, format=self.line.format)
        longer = repaired = False
        while True:
            outcome, call = await self._formed(call)
            if isinstance(outcome, Failure):
                tell(LOG, "keyphrases in place of a label", logging.WARNING, because=outcome.kind)
                return LabelingFailed(outcome.message)
            try:
                return self.reader.read(outcome)
            except CutShort as failed:
                if longer:
                    return failed
                longer, call = True, replace(call, max_tokens=_ROOM * call.max_tokens)
            except LabelingFailed as failed:
                if repaired:
                    return failed
                repaired, call = True, _repair(call, outcome, failed)

    async def _formed(self, call: Call) -> tuple[Answer | Failure, Call]:
        """An answer in the strictest form the server gives, and the call that it answers."""
        refusals: dict[Format, bool] = {}
        outcome = await self.line.send(call)
        while isinstance(outcome, Failure) and outcome.kind == "unsupported":
            looser = self.line.looser(call, outcome)
            if looser is None:
                break
            refusals[call.format] = outcome.names_form
            call, outcome = looser, await self.line.send(looser)
        if isinstance(outcome, Answer):
            self.line.learn(refusals)
        return outcome, call


def _repair(call: Call, answer: Answer, failed: LabelingFailed) -> Call:
    said = " ".join(answer.text.split())[:400]
    request = f"Your last answer was: {said}\nIt cannot be used: {failed.message}. Answer again."
    return replace(call, user=f"{call.user}\n{request}")


def _too_late(call: Call | EmbeddingCall) -> str:
    return f"the model did not answer within {call.timeout:g} s"
