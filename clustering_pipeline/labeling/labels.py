"""Labels for all groups of a run: the model's where it gave a good one, keyphrases elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from clustering_pipeline.labeling.judges import closest_candidate
from clustering_pipeline.labeling.llm.concurrency import finished
from clustering_pipeline.labeling.llm.duplicates import told_apart
from clustering_pipeline.labeling.llm.rounds import Answers, answers_for
from clustering_pipeline.labeling.names import names_of
from clustering_pipeline.labeling.request import (
    Group,
    Label,
    LabelingError,
    LabelRequest,
    Labels,
    Named,
)
from clustering_pipeline.labeling.text.selection import stems
from clustering_pipeline.model.errors import LabelingFailed

_SOURCES = ("human", "llm", "keyphrases")
"""Where labels come from, the ones that count most first."""


def label_groups(request: LabelRequest) -> Labels:
    """Label every group; never raises for a label, ``errors`` tells what went wrong."""
    plain = _plain(request)
    if not request.config.enabled or not request.groups:
        return Labels(groups=_distinct(request, plain))
    if request.provider is None:
        everyone = tuple(group.cluster_id for group in request.groups)
        error = LabelingError(error=request.unreachable, clusters=everyone)
        return Labels(groups=_distinct(request, plain), errors=(error,))
    plain = tuple(_chosen(label, request.config.candidate_labels) for label in plain)
    provider = request.provider
    answers = finished(lambda: answers_for(request, provider))
    merged = tuple(_merged(label, answers.outcomes.get(label.number)) for label in plain)
    return Labels(
        groups=_distinct(request, merged),
        errors=_errors(request, answers),
        ledger=answers.ledger,
        fresh=answers.fresh,
        format=answers.format,
    )


def _plain(request: LabelRequest) -> tuple[Label, ...]:
    """What every group is called without a model."""
    names = names_of(
        {group.number: group.keyphrases for group in request.groups},
        marks={group.number: group.mark for group in request.groups},
    )
    return tuple(
        _unasked(group, names[group.number], request.human_names) for group in request.groups
    )


def _unasked(group: Group, name: str, human_names: Mapping[int, str]) -> Label:
    given = human_names.get(group.number)
    return Label(
        number=group.number,
        cluster_id=group.cluster_id,
        label=given or name,
        keywords=group.keyphrases,
        source="human" if given else "keyphrases",
    )


def _chosen(label: Label, candidates: Mapping[str, str]) -> Label:
    """A closed list stays closed where a model fails, if its words say which label is closest."""
    closest = closest_candidate(label.keywords, candidates)
    if closest is None or label.source == "human":
        return label
    return replace(label, label=closest[0], probability=closest[1])


def _merged(label: Label, answer: Named | LabelingFailed | None) -> Label:
    if not isinstance(answer, Named):
        return label
    by_human = label.source == "human"
    return replace(
        label,
        label=label.label if by_human else answer.label,
        summary=answer.summary,
        keywords=answer.keywords or label.keywords,
        source="human" if by_human else "llm",
        probability=answer.probability,
        extra=answer.extra,
    )


def _distinct(request: LabelRequest, labels: tuple[Label, ...]) -> tuple[Label, ...]:
    """No label that a better source gave another group: people come first, then the model.

    Labels of one source are apart already; those of a closed list may be the same.
    """
    if request.config.candidate_labels:
        return labels
    marks = {group.number: group.mark for group in request.groups}
    final: dict[int, Label] = {}
    taken: dict[frozenset[str], str] = {}
    for source in _SOURCES:
        own = [label for label in labels if label.source == source]
        for label in own:
            made = [label.label for label in final.values()]
            final[label.number] = _apart_from(taken, label, made, marks[label.number])
        taken |= {_words(final[label.number].label): final[label.number].label for label in own}
    return tuple(final[label.number] for label in labels)


def _apart_from(
    taken: Mapping[frozenset[str], str], label: Label, made: Sequence[str], mark: str
) -> Label:
    against = taken.get(_words(label.label))
    if against is None or label.source == "human":
        return label
    longer = told_apart(label.label, label.keywords, [against], made=made, mark=mark)
    return replace(label, label=longer)


def _words(label: str) -> frozenset[str]:
    return stems(label) or frozenset({label.casefold()})


def _errors(request: LabelRequest, answers: Answers) -> tuple[LabelingError, ...]:
    """One error per cause, with the groups it struck."""
    struck: dict[str, list[str]] = {}
    for group in request.groups:
        outcome = answers.outcomes.get(group.number)
        if isinstance(outcome, LabelingFailed):
            struck.setdefault(outcome.message, []).append(group.cluster_id)
    return tuple(
        LabelingError(error=cause, clusters=tuple(clusters)) for cause, clusters in struck.items()
    )
