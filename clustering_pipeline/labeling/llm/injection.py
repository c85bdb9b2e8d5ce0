"""Documents that talk to the model: recognised, kept out of prompts, and caught in answers."""

import re
from collections.abc import Iterable

_SENTENCE = re.compile(r"(?<=[.!?。！？])\s+|\n+")
_TALKS_TO_MODELS = re.compile(
    r"\b(ignore|disregard|forget|override)\b.{0,40}"
    r"\b(above|previous|prior|earlier|preceding|instructions?|prompts?|rules)\b"
    r"|\b(system|developer) (prompt|message|instruction)s?\b"
    r"|\byou are (now )?(an?|the) (ai|assistant|(large )?language model|chatbot)\b"
    r"|\b(as|dear|hey|attention) (an? )?(ai|llm|assistant|(large )?language model)s?\b"
    r"|\b(respond|reply|answer|output|label|name)\b.{0,30}"
    r"\b(only|exactly|instead|with the (label|word|text)|(this|the) (group|cluster))\b"
    r"|\b(the|correct|new) label (is|must be|should be)\b"
    r"|\b(ignorier|vergiss)\w*\b.{0,40}\b(oben|vorherig\w*|bisherig\w*|anweisung\w*)\b"
    r"|\b(ignor\w*|olvid\w*|oubli\w*|esque\w*)\b.{0,40}"
    r"\b(anterior\w*|previ\w*|instrucc\w*|précéd\w*|instruç\w*)\b"
    r"|игнорируй|忽略.{0,8}(上述|以上|之前|指令)|(以上|上記|これまで).{0,8}無視",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+")


def without_commands(text: str) -> str:
    """The text without sentences that speak to a model."""
    if not _TALKS_TO_MODELS.search(text):
        return text
    return " ".join(one for one in _SENTENCE.split(text) if not _TALKS_TO_MODELS.search(one))


def commands(texts: Iterable[str]) -> tuple[str, ...]:
    """The sentences that speak to a model, and the one after each: it may hold the payload."""
    found: list[str] = []
    for text in texts:
        if _TALKS_TO_MODELS.search(text):
            parts = _SENTENCE.split(text)
            at = [place for place, part in enumerate(parts) if _TALKS_TO_MODELS.search(part)]
            found += [" ".join(parts[place : place + 2]) for place in at]
    return tuple(found)


def repeats(text: str, sources: Iterable[str], *, run: int | None = None) -> bool:
    """Whether the text, or ``run`` words of it in a row, stand in one of the sources."""
    said = _words(text)
    length = min(run or len(said), len(said)) if said else 0
    if not length or (run is not None and len(said) < run):
        return False
    windows = [f" {' '.join(said[at : at + length])} " for at in range(len(said) - length + 1)]
    written = [f" {' '.join(_words(source))} " for source in sources]
    return any(window in source for window in windows for source in written)


def _words(text: str) -> list[str]:
    return [found.group() for found in _WORD.finditer(text.casefold())]
