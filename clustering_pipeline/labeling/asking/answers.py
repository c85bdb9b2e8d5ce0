"""What a model said, read into a label or refused with the reason."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from clustering_pipeline.labeling.asking.checks import (
    checked_keywords,
    checked_label,
    checked_summary,
)
from clustering_pipeline.labeling.asking.prompt import system_message
from clustering_pipeline.labeling.asking.schema import shaped_fields
from clustering_pipeline.labeling.config import LabelingConfig
from clustering_pipeline.labeling.provider import Answer
from clustering_pipeline.labeling.request import Group, Named
from clustering_pipeline.model.errors import LabelingFailed

_OBJECT = re.compile(r"\{.*\}", re.DOTALL)
_NAMED_LINE = re.compile(r"^\W*(?:label|name|title)\W*[:=]\s*(.+)$", re.IGNORECASE | re.MULTILINE)
_EMPTY = "the model gave an empty answer"
_PROSE = "the model answered in prose, without the JSON object that was asked for"


class CutShort(LabelingFailed):
    """The answer is empty or not whole; a larger budget may help."""


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Reads the answers for one group."""

    group: Group
    config: LabelingConfig

    def read(self, answer: Answer) -> Named:
        """The label, or :class:`LabelingFailed` with what is wrong with the answer."""
        if not answer.text.strip():
            raise CutShort(_EMPTY)
        if answer.finish_reason != "stop":
            message = f"the model's answer ended with {answer.finish_reason!r} instead of 'stop'"
            raise CutShort(message)
        body = _parsed(answer.text)
        label = body.get("label")
        if self.config.candidate_labels:
            return self._chosen(label, body)
        instructions = system_message(self.config)
        return Named(
            label=checked_label(label, self.group, instructions, language=self._language),
            summary=checked_summary(body.get("summary"), self.group, instructions),
            keywords=checked_keywords(body.get("keywords"), self.group),
            extra=self._extra(body),
        )

    @property
    def _language(self) -> str | None:
        """What may have asked for a script that the documents lack."""
        wanted = self.config
        return wanted.output_language or wanted.custom_prompt or wanted.labeling_context

    def _chosen(self, label: object, body: Mapping[str, object]) -> Named:
        spelled = {name.casefold(): name for name in self.config.candidate_labels}
        chosen = spelled.get(str(label).strip().casefold())
        if chosen is None:
            message = f"the model chose {str(label)[:60]!r}, which is no candidate label"
            raise LabelingFailed(message)
        return Named(
            label=chosen,
            probability=_probability(body.get("probability")),
            summary=checked_summary(body.get("summary"), self.group, system_message(self.config)),
            keywords=checked_keywords(body.get("keywords"), self.group),
            extra=self._extra(body),
        )

    def _extra(self, body: Mapping[str, object]) -> dict[str, object]:
        return {name: body[name] for name in shaped_fields(self.config) if name in body}


def _parsed(text: str) -> Mapping[str, object]:
    found = _OBJECT.search(text)
    if found:
        try:
            body: object = json.loads(found.group())
        except ValueError:
            body = None
        if isinstance(body, dict):
            return {str(name): value for name, value in body.items()}
    return {"label": _plain_label(text)}


def _plain_label(text: str) -> str:
    """A label in plain text: marked as one, or all there is."""
    marked = _NAMED_LINE.search(text)
    if marked:
        return str(marked.group(1))
    line = text.strip()
    if "\n" in line or len(line.split()) > 8 or line.endswith("."):
        raise LabelingFailed(_PROSE)
    return line


def _probability(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return min(max(float(value), 0.0), 1.0) if value == value else None  # noqa: PLR0124 - NaN
