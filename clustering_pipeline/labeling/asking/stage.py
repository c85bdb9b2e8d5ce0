"""All groups side by side, within the deadline and the money."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from clustering_pipeline.labeling.asking.answers import Reader
from clustering_pipeline.labeling.asking.conversation import Conversation, Line
from clustering_pipeline.labeling.asking.embedding import embedded
from clustering_pipeline.labeling.asking.prompt import Prompter
from clustering_pipeline.labeling.request import Group, LabelRequest, Named
from clustering_pipeline.model.errors import LabelingFailed

Outcomes = dict[int, Named | LabelingFailed]

_SILENT = "the model did not answer several times in a row, so it was not asked again"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Asks about groups; every group gets an outcome, none an exception."""

    request: LabelRequest
    line: Line
    prompter: Prompter
    ends_at: float
    """Time of the running loop."""

    async def ask(
        self, groups: tuple[Group, ...], *, taken: Mapping[int, tuple[str, ...]] | None = None
    ) -> Outcomes:
        """An outcome for each group; ``taken`` names the labels each must keep away from."""
        free = asyncio.Semaphore(self.request.terms.concurrency)
        tasks = {
            group.number: asyncio.create_task(
                self._one(group, (taken or {}).get(group.number, ()), free)
            )
            for group in groups
        }
        if tasks:
            await self._until_the_end(list(tasks.values()))
        return {number: self._outcome(task) for number, task in tasks.items()}

    async def embedded(self, labels: Mapping[int, str]) -> dict[int, list[float]] | None:
        """A vector for each label; ``None`` where no model, time or money gives them."""
        found = await embedded(self.line, list(labels.values()), self.request.terms, self.ends_at)
        return None if found is None else dict(zip(labels, found.tolist(), strict=True))

    async def _until_the_end(self, tasks: list[asyncio.Task[Named | LabelingFailed]]) -> None:
        try:
            left = max(0.0, self.ends_at - asyncio.get_running_loop().time())
            await asyncio.wait(tasks, timeout=left)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _outcome(self, task: asyncio.Task[Named | LabelingFailed]) -> Named | LabelingFailed:
        if task.cancelled():
            deadline = self.request.terms.deadline
            return LabelingFailed(f"the deadline of {deadline:g} s for all labels was over")
        broken = task.exception()
        if broken is not None:
            return LabelingFailed(f"the model's provider broke: {type(broken).__name__}: {broken}")
        return task.result()

    async def _one(
        self, group: Group, taken: tuple[str, ...], free: asyncio.Semaphore
    ) -> Named | LabelingFailed:
        async with free:
            if self.line.is_dead:
                return LabelingFailed(_SILENT)
            reader = Reader(group=group, config=self.request.config)
            call = self.prompter.call(group, taken=taken)
            return await Conversation(line=self.line, reader=reader).ask(call)
