"""Labels for all groups of a run: the model's where it gave a good one, keyphrases elsewhere."""

import asyncio
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from clustering_pipeline.labeling.answers import Named, read_answer
from clustering_pipeline.labeling.names import names_of
from clustering_pipeline.labeling.prompt import call_for
from clustering_pipeline.labeling.provider import Failure, Provider
from clustering_pipeline.labeling.request import Group, Label, LabelingError, LabelRequest, Labels
from clustering_pipeline.model.errors import LabelingFailed

T = TypeVar("T")

NO_PROVIDER = (
    "llm_labeling is enabled but no model is reachable: set CLUSTERING_LLM_API_KEY or "
    "CLUSTERING_LLM_BASE_URL; the labels are keyphrases"
)


def label_groups(request: LabelRequest) -> Labels:
    """Label every group; never raises for a label, ``errors`` tells what went wrong."""
    names = names_of({group.number: group.keyphrases for group in request.groups})
    plain = tuple(_from_keyphrases(group, names[group.number]) for group in request.groups)
    if not request.config.enabled or not request.groups:
        return Labels(groups=plain)
    if request.provider is None:
        everyone = tuple(group.cluster_id for group in request.groups)
        return Labels(groups=plain, errors=(LabelingError(error=NO_PROVIDER, clusters=everyone),))
    answers = _run(_ask_all(request, request.provider))
    return Labels(
        groups=tuple(_merged(label, answers[label.number]) for label in plain),
        errors=_errors(request, answers),
    )


def _from_keyphrases(group: Group, name: str) -> Label:
    return Label(
        number=group.number,
        cluster_id=group.cluster_id,
        label=name,
        keywords=group.keyphrases,
    )


def _merged(label: Label, answer: Named | LabelingFailed) -> Label:
    if isinstance(answer, LabelingFailed):
        return label
    return replace(
        label,
        label=answer.label,
        summary=answer.summary,
        keywords=answer.keywords or label.keywords,
        source="llm",
    )


def _errors(
    request: LabelRequest, answers: Mapping[int, Named | LabelingFailed]
) -> tuple[LabelingError, ...]:
    """One error per cause, with the groups it struck."""
    struck: dict[str, list[str]] = {}
    for group in request.groups:
        answer = answers[group.number]
        if isinstance(answer, LabelingFailed):
            struck.setdefault(answer.message, []).append(group.cluster_id)
    return tuple(
        LabelingError(error=cause, clusters=tuple(clusters)) for cause, clusters in struck.items()
    )


def _run(work: Coroutine[object, object, T]) -> T:
    """Run to the end, also where a loop is running already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as aside:
        return aside.submit(asyncio.run, work).result()


async def _ask_all(request: LabelRequest, provider: Provider) -> dict[int, Named | LabelingFailed]:
    neighbours = {group.number: group.keyphrases for group in request.groups}
    free = asyncio.Semaphore(request.concurrency)

    async def one(group: Group) -> Named | LabelingFailed:
        async with free:
            return await _ask(group, request, provider, neighbours)

    try:
        async with asyncio.timeout(request.deadline):
            answers = await asyncio.gather(*map(one, request.groups))
    finally:
        await provider.close()
    return {group.number: answer for group, answer in zip(request.groups, answers, strict=True)}


async def _ask(
    group: Group,
    request: LabelRequest,
    provider: Provider,
    neighbours: Mapping[int, tuple[str, ...]],
) -> Named | LabelingFailed:
    outcome = await provider.complete(call_for(group, request.config, neighbours))
    if isinstance(outcome, Failure):
        return LabelingFailed(outcome.message)
    try:
        return read_answer(outcome)
    except LabelingFailed as failed:
        return failed
