"""What the model said, checked before anybody reads it."""

import json
import re
import unicodedata
from dataclasses import dataclass

from clustering_pipeline.labeling.provider import Answer
from clustering_pipeline.model.errors import LabelingFailed

_OBJECT = re.compile(r"\{.*\}", re.DOTALL)
_UNWANTED = re.compile(r"https?://|www\.|<[a-z/!]|[{}`\\]|\]\(", re.IGNORECASE)
_EMPTY = "the model gave an empty answer"
_NO_OBJECT = "the model's answer holds no JSON object"
_NO_LABEL = "the model's answer holds no label"
_MARKED_UP = "the model's label holds an address or markup"
_LONGEST_LABEL = 80
_LONGEST_SUMMARY = 600
_MOST_KEYWORDS = 12


@dataclass(frozen=True, kw_only=True)
class Named:
    """A model's answer that passed."""

    label: str
    summary: str | None = None
    keywords: tuple[str, ...] = ()


def read_answer(answer: Answer) -> Named:
    """Parse and check an answer; raise :class:`LabelingFailed` with what is wrong with it."""
    if not answer.text.strip():
        raise LabelingFailed(_EMPTY)
    if answer.finish_reason != "stop":
        message = f"the model's answer ended with {answer.finish_reason!r}"
        raise LabelingFailed(message)
    body = _parsed(answer.text)
    summary = body.get("summary")
    return Named(
        label=_checked_label(body.get("label")),
        summary=_sentence(summary) if isinstance(summary, str) else None,
        keywords=_keywords(body.get("keywords")),
    )


def _parsed(text: str) -> dict[str, object]:
    found = _OBJECT.search(text)
    try:
        body = json.loads(found.group()) if found else None
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise LabelingFailed(_NO_OBJECT)
    return body


def _checked_label(value: object) -> str:
    label = _line(value) if isinstance(value, str) else ""
    if not any(map(str.isalnum, label)):
        raise LabelingFailed(_NO_LABEL)
    if len(label) > _LONGEST_LABEL:
        message = (
            f"the model's label has {len(label)} characters; at most {_LONGEST_LABEL} are read"
        )
        raise LabelingFailed(message)
    if _UNWANTED.search(label):
        raise LabelingFailed(_MARKED_UP)
    return label


def _sentence(text: str) -> str | None:
    line = _line(text)[:_LONGEST_SUMMARY]
    return None if not line or _UNWANTED.search(line) else line


def _keywords(value: object) -> tuple[str, ...]:
    listed = (
        [_line(item) for item in value if isinstance(item, str)] if isinstance(value, list) else []
    )
    fit = [
        item
        for item in listed
        if item and len(item) <= _LONGEST_LABEL and not _UNWANTED.search(item)
    ]
    return tuple(dict.fromkeys(fit))[:_MOST_KEYWORDS]


def _line(text: str) -> str:
    visible = "".join(one if unicodedata.category(one)[0] != "C" else " " for one in text)
    return " ".join(visible.split()).strip("\"'“”«»*#. ")
