"""From a request to an answer for each group: the cache, one round for all, one for clashes."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

from clustering_pipeline.labeling.llm.answers import Reader
from clustering_pipeline.labeling.llm.ask import Conversation, Line
from clustering_pipeline.labeling.llm.budget import Purse
from clustering_pipeline.labeling.llm.cache import cache_keys
from clustering_pipeline.labeling.llm.duplicates import clashes, told_apart
from clustering_pipeline.labeling.llm.embeddings import embedded
from clustering_pipeline.labeling.llm.prompt import Prompter, prompter
from clustering_pipeline.labeling.prices import price_of
from clustering_pipeline.labeling.provider import Format, Provider
from clustering_pipeline.labeling.request import Group, LabelRequest, Named
from clustering_pipeline.model.errors import LabelingFailed
from clustering_pipeline.model.executions.execution import LabelingLedger

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


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What asking came to; groups that were not to be asked have no outcome."""

    outcomes: Outcomes
    ledger: LabelingLedger
    fresh: Mapping[str, Named]
    format: Format


async def answers_for(request: LabelRequest, provider: Provider) -> Answers:
    """Ask what the cache cannot answer, then once more where labels clash."""
    price = price_of(provider.model, request.terms.prices)
    if request.terms.max_cost is not None and price is None:
        return _unpriced(request, provider)
    terms = request.terms
    purse = Purse(
        price=price,
        limit=terms.max_cost,
        embedding_price=price_of(provider.embedding_model or "", terms.prices),
    )
    line = Line(provider, purse, format=request.format, retry_pause=terms.retry_pause)
    ends_at = asyncio.get_running_loop().time() + terms.deadline
    stage = Stage(request=request, line=line, prompter=prompter(request), ends_at=ends_at)
    keys = cache_keys(request)
    old: Outcomes = {n: request.cached[key] for n, key in keys.items() if key in request.cached}
    try:
        new = await stage.ask(tuple(one for one in asked(request) if one.number not in old))
        outcomes = old | new
        if new and not request.config.candidate_labels:
            outcomes |= await _apart(stage, outcomes, known=frozenset(old))
    finally:
        await provider.close()
    purse.reuse(len(old))
    fresh = {
        keys[number]: named
        for number, named in outcomes.items()
        if isinstance(named, Named) and named != request.cached.get(keys[number])
    }
    return Answers(outcomes=outcomes, ledger=purse.ledger, fresh=fresh, format=line.proven)


def asked(request: LabelRequest) -> tuple[Group, ...]:
    """The groups a model may see: none too small, none with nothing to show."""
    least = request.terms.min_group_size
    return tuple(group for group in request.groups if group.size >= least and _shows(group))


def _shows(group: Group) -> bool:
    return any(example.inputs.texts or example.inputs.images for example in group.examples)


async def _apart(stage: Stage, outcomes: Outcomes, *, known: frozenset[int]) -> Outcomes:
    """Another label for those that clash: asked for, else made with a keyphrase of theirs."""
    request = stage.request
    order = _by_right(request, known)
    labels = _labels(order, outcomes, request.human_names)
    contested = await _contested(stage, labels)
    again = tuple(group for group in order if group.number in contested)
    answers = await stage.ask(again, taken=contested)
    settled = outcomes | {n: one for n, one in answers.items() if isinstance(one, Named)}
    labels = _labels(order, settled, request.human_names)
    left = await _contested(stage, labels) if again else {}
    return settled | _lengthened(request, settled, left)


def _lengthened(
    request: LabelRequest, settled: Outcomes, left: Mapping[int, tuple[str, ...]]
) -> Outcomes:
    """Labels that no answer told apart, with a phrase of the group's own."""
    groups = {group.number: group for group in request.groups}
    made: list[str] = []
    longer: Outcomes = {}
    for number, against in left.items():
        named, group = settled[number], groups[number]
        if isinstance(named, Named):
            made.append(
                told_apart(named.label, group.keyphrases, against, made=made, mark=group.mark)
            )
            longer[number] = replace(named, label=made[-1])
    return longer


def _by_right(request: LabelRequest, known: frozenset[int]) -> tuple[Group, ...]:
    """Who keeps a contested label: names by people, then earlier answers, then size."""
    return tuple(
        sorted(
            request.groups,
            key=lambda one: (
                one.number not in request.human_names,
                one.number not in known,
                -one.size,
                one.number,
            ),
        )
    )


def _labels(
    order: tuple[Group, ...], outcomes: Outcomes, human_names: Mapping[int, str]
) -> dict[int, str]:
    labels: dict[int, str] = {}
    for group in order:
        outcome = outcomes.get(group.number)
        if group.number in human_names:
            labels[group.number] = human_names[group.number]
        elif isinstance(outcome, Named):
            labels[group.number] = outcome.label
    return labels


async def _contested(stage: Stage, labels: Mapping[int, str]) -> dict[int, tuple[str, ...]]:
    request, vectors, threshold = stage.request, None, None
    if request.config.use_embedding_dedup and len(labels) > 1:
        threshold = request.config.embedding_similarity_threshold
        vectors = await stage.embedded(labels)
    contested = clashes(labels, vectors=vectors, threshold=threshold)
    return {number: by for number, by in contested.items() if number not in request.human_names}


def _unpriced(request: LabelRequest, provider: Provider) -> Answers:
    message = (
        f"max_cost is set but model {provider.model!r} has no price: add it to the price table, "
        "or unset max_cost"
    )
    return Answers(
        outcomes={group.number: LabelingFailed(message) for group in asked(request)},
        ledger=LabelingLedger(unpriced=True),
        fresh={},
        format=request.format,
    )
