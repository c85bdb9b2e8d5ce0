"""What a model said, read into a label or refused with the reason."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from clustering_pipeline.labeling.config import LabelingConfig
from clustering_pipeline.labeling.llm.injection import commands, repeats
from clustering_pipeline.labeling.llm.objects import label_object, spoken
from clustering_pipeline.labeling.llm.prompt import system_message
from clustering_pipeline.labeling.llm.schema import shaped_fields
from clustering_pipeline.labeling.provider import Answer
from clustering_pipeline.labeling.request import Group, Named
from clustering_pipeline.labeling.text.selection import stems
from clustering_pipeline.model.errors import LabelingFailed

_NAMED_LINE = re.compile(r"^\W*(?:label|name|title)\W*[:=]\s*(.+)$", re.IGNORECASE | re.MULTILINE)
_EMPTY = "the model gave an empty answer"
_NO_LABEL = "the model's answer holds no whole object with a label"
_PROSE = "the model answered in prose, without the JSON object that was asked for"


class CutShort(LabelingFailed):
    """The answer is empty or not whole; more room may help."""


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Reads the answers for one group."""

    group: Group
    config: LabelingConfig

    def read(self, answer: Answer) -> Named:
        """The label, or :class:`LabelingFailed` with what is wrong with the answer."""
        body = _body(answer)
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


def _body(answer: Answer) -> Mapping[str, object]:
    """The object that was asked for, however the answer ended; else a label in plain text."""
    if not answer.text.strip():
        raise CutShort(_EMPTY)
    body = label_object(answer.text, whole=not answer.is_cut)
    if body is not None:
        return body
    if answer.is_cut:
        message = f"the model's answer ended with {answer.finish_reason!r} instead of 'stop'"
        raise CutShort(message)
    return {"label": _plain_label(spoken(answer.text))}


def _plain_label(text: str) -> str:
    """A label in plain text: marked as one, or all there is."""
    if not text:
        raise LabelingFailed(_EMPTY)
    if "{" in text:
        raise LabelingFailed(_NO_LABEL)
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


_MARKUP = re.compile(r"https?://|www\.|\b[\w-]+\.(com|org|net)\b|<[a-z/!]|[{}`\\<>]|\]\(", re.I)
_LONGEST_LABEL = 80
_LONGEST_SUMMARY = 600
_MOST_KEYWORDS = 12
# Persian and Hindi words, and some emoji, are joined or kept apart by these.
_JOINERS = "\u200c\u200d"
_COMMON_SCRIPT = 0.05
_PROMPT_RUN = 5
_COMMAND_RUN = 4
# Scripts that texts in one language mix.
_KIN = {"HIRAGANA": "CJK", "KATAKANA": "CJK", "HANGUL": "CJK"}


def checked_label(value: object, group: Group, instructions: str, *, language: str | None) -> str:
    """The label in one clean line, or :class:`LabelingFailed` with what is wrong with it."""
    label = _line(value).removesuffix(".") if isinstance(value, str) else ""
    fault = _fault(label, group, instructions, language)
    if fault is not None:
        raise LabelingFailed(fault)
    return label


def checked_summary(value: object, group: Group, instructions: str) -> str | None:
    """The summary, or nothing where it is not fit to be read."""
    line = _line(value)[:_LONGEST_SUMMARY] if isinstance(value, str) else ""
    bad = (
        not line
        or _MARKUP.search(line)
        or repeats(line, [instructions], run=_PROMPT_RUN)
        or repeats(line, commands(_texts(group)), run=_COMMAND_RUN)
    )
    return None if bad else line


def checked_keywords(value: object, group: Group) -> tuple[str, ...]:
    """Those keywords that are fit to be read."""
    listed = (
        [_line(one) for one in value if isinstance(one, str)] if isinstance(value, list) else []
    )
    told = commands(_texts(group))
    fit = [
        one
        for one in listed
        if one and len(one) <= _LONGEST_LABEL and not _MARKUP.search(one) and not repeats(one, told)
    ]
    return tuple(dict.fromkeys(fit))[:_MOST_KEYWORDS]


def _fault(label: str, group: Group, instructions: str, language: str | None) -> str | None:
    texts = _texts(group)
    faults = (
        (not any(map(str.isalnum, label)), "the model's answer holds no label"),
        (
            len(label) > _LONGEST_LABEL,
            f"the model's label is over {_LONGEST_LABEL} characters long",
        ),
        (_MARKUP.search(label), "the model's label holds an address or markup"),
        (repeats(label, [instructions], run=_PROMPT_RUN), "the model's label repeats the prompt"),
        (
            repeats(label, commands(texts)),
            "the model's label repeats what a document told it to say",
        ),
        (
            _only_in_one(label, texts, group.keyphrases),
            "the model's label comes from one document and fits no other",
        ),
        (
            language is None and _foreign(label, texts),
            "the model's label is in a script that the documents do not use",
        ),
    )
    return next((message for wrong, message in faults if wrong), None)


def _only_in_one(label: str, texts: list[str], keyphrases: Iterable[str]) -> bool:
    """Copied word for word from one document, without a word in common with the others."""
    holders = [text for text in texts if repeats(label, [text])]
    if len(holders) != 1 or len(texts) < 3:
        return False
    others = " ".join([*(text for text in texts if text is not holders[0]), *keyphrases])
    return not _telling(label) & _telling(others)


def _texts(group: Group) -> list[str]:
    return ["\n".join(example.inputs.texts.values()) for example in group.examples]


def _telling(text: str) -> frozenset[str]:
    words = stems(re.sub(r"\W+", " ", text))
    return frozenset(word for word in words if len(word) > 3 or not word.isascii())


def _foreign(label: str, texts: list[str]) -> bool:
    """Whether the label's script is hardly used by the documents."""
    written = _scripts("".join(texts))
    main = _scripts(label).most_common(1)
    if not main or not written:
        return False
    return written[main[0][0]] < _COMMON_SCRIPT * written.total()


def _scripts(text: str) -> Counter[str]:
    names: Counter[str] = Counter()
    for letter, count in Counter(filter(str.isalpha, text)).items():
        script = unicodedata.name(letter, "UNKNOWN").split(" ")[0]
        names[_KIN.get(script, script)] += count
    return names


def _line(text: str) -> str:
    """One line without control characters, quotation marks or list marks around it."""
    visible = "".join(one if _is_visible(one) else " " for one in text)
    return " ".join(visible.split()).strip("\"'“”„«»*#-– ")


def _is_visible(one: str) -> bool:
    return unicodedata.category(one)[0] != "C" or one in _JOINERS
