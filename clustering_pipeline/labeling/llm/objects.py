"""The object with a label that a model's answer holds, whatever stands around it."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from html import unescape
from typing import TypeAlias, TypeVar

from clustering_pipeline.model.errors import LabelingFailed

Body: TypeAlias = dict[str, object]
_Item = TypeVar("_Item")
_Parse: TypeAlias = Callable[[str, int], tuple[object, int]]

_THOUGHT = re.compile(
    r"<(think|thinking|thought|thoughts|reasoning|analysis|scratchpad|reflection)>.*?</\1>"
    r"|\[THINK\].*?\[/THINK\]|◁think▷.*?◁/think▷"
    r"|<\|START_THINKING\|>.*?<\|END_THINKING\|>"
    r"|<\|channel\|>\s*(?:analysis|commentary)\b.*?(?:<\|end\|>|(?=<\|start\|>|<\|channel\|>)|\Z)",
    re.DOTALL | re.IGNORECASE,
)
# Some templates put the opening mark into the prompt.
_THOUGHT_BEFORE = re.compile(
    r"\A.*(?:</(?:think|thinking|thought|thoughts|reasoning)>|\[/THINK\]|◁/think▷)",
    re.DOTALL | re.IGNORECASE,
)
_THOUGHT_OPEN = re.compile(
    r"(?:<(?:think|thinking|thought|thoughts|reasoning)>|\[THINK\]|◁think▷).*\Z",
    re.DOTALL | re.IGNORECASE,
)
_SENTINEL = re.compile(
    r"<\|[^<>]{0,40}\|>|<｜[^<>]{0,40}｜>|</?s>|<(?:eos|bos|pad|(?:end|start)_of_turn)>"
)
_UNOPENED = re.compile(r"\W*label\W*:", re.IGNORECASE)
_MOST_TRIES = 200
_MOST_ENCODED = 3
_BARED = {"n": "\n"}
_DEEPEST = 20
_SEVERAL = "the model gave several objects with different labels, and one was asked for"


def label_object(text: str, *, whole: bool = True) -> Body | None:
    """The one object with a label; ``None`` without any.

    What a model thought aloud counts only where it said nothing else and is ``whole``.  Objects
    with one label are one; those with different labels raise :class:`LabelingFailed`: which of
    them is the answer, and which an example or a document, nobody can tell.
    """
    said = spoken(text)
    if said or not whole:
        return _of_one_label(said)
    return _of_one_label(_SENTINEL.sub(" ", text))


def spoken(text: str) -> str:
    """The answer without what the model thought aloud and without marks of its template."""
    plain = _THOUGHT_BEFORE.sub("", _THOUGHT.sub(" ", text))
    return _SENTINEL.sub(" ", _THOUGHT_OPEN.sub("", plain)).strip("\ufeff\u200b \t\r\n")


def _of_one_label(text: str) -> Body | None:
    for reading in _readings(text):
        for parse in (_strict, _lenient):
            bodies = [
                body for value in _objects(reading, parse) for body in _labelled(value, parse)
            ]
            if len({str(body["label"]).strip(" .").casefold() for body in bodies}) > 1:
                raise LabelingFailed(_SEVERAL)
            if bodies:
                return max(bodies, key=len)
    return None


def _readings(text: str) -> Iterator[str]:
    """The text, and what it says where it was encoded once more or lost its braces."""
    yield text
    once = text
    for _ in range(_MOST_ENCODED):
        if '\\"' in once:
            once = re.sub(r'\\(["\\n])', lambda sign: _BARED.get(sign[1], sign[1]), once)
            yield once
    if "&quot;" in text or "&#34;" in text:
        yield unescape(text)
    if _UNOPENED.match(text) and "{" not in text:
        yield "{" + text + ("" if "}" in text else "}")


def _labelled(value: object, parse: _Parse, depth: int = 0) -> Iterator[Body]:
    """The outermost objects with a label in a value: wrapped, listed or encoded as text."""
    if depth > _DEEPEST:
        return
    if isinstance(value, str):
        inner: list[object] = list(_objects(value, parse)) if "{" in value else []
    elif isinstance(value, list):
        inner = list(value)
    elif isinstance(value, dict):
        body = _by_name(value)
        label = body.get("label")
        if isinstance(label, str) and label.strip():
            yield body
            return
        inner = list(value.values())
    else:
        return
    for each in inner:
        yield from _labelled(each, parse, depth + 1)


def _by_name(value: Mapping[object, object]) -> Body:
    """Fields by name; ``Label`` is the label where there is no other."""
    body = {str(name): field for name, field in value.items()}
    return {name.strip().casefold(): field for name, field in body.items()} | body


def _objects(text: str, parse: _Parse) -> Iterator[object]:
    """Whole objects, outermost ones, in their order.

    An object that is open to the end of the text hides what it holds: those are parts of it.
    """
    at = text.find("{")
    for _ in range(_MOST_TRIES):
        if at < 0:
            return
        try:
            value, end = parse(text, at)
        except EOFError:
            return
        except (ValueError, RecursionError):
            end = at + 1
        else:
            yield value
        at = text.find("{", end)


_STRICT = json.JSONDecoder(strict=False)


def _strict(text: str, at: int) -> tuple[object, int]:
    try:
        return _STRICT.raw_decode(text, at)
    except json.JSONDecodeError as wrong:
        if wrong.msg.startswith("Unterminated") or wrong.pos >= len(text.rstrip()):
            raise EOFError from wrong
        raise


_SPACE = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
# A quotation mark ends a text where a sign of the object's own follows.
_SIGN = r"\s*(?:[,:}\]]|/[/*]|\Z)"
_END = rf"(?={_SIGN})"
_STRING = re.compile(
    rf'"((?:\\.|[^"\\]|"(?!{_SIGN}))*)"{_END}'
    rf"|'((?:\\.|[^'\\]|'(?!{_SIGN}))*)'{_END}"
    rf"|[“„«”]((?:\\.|[^”“»\\])*)[”“»]{_END}|‘((?:\\.|[^’\\]|’(?!{_SIGN}))*)’{_END}",
    re.DOTALL,
)
_QUOTES = "\"'“„‘«"
_BARE = re.compile(r"[^\s,:{}\[\]\"'“”„‘]+")
_CONSTANTS: dict[str, object] = {"true": True, "false": False, "null": None, "none": None}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": " ", "f": " "}


def _lenient(text: str, at: int) -> tuple[object, int]:
    """As models write objects: any quotation marks or none, comments, a comma too many."""
    reading = _Reading(text, at)
    return reading.value(), reading.at


class _Reading:
    """Reads one value; raises ``EOFError`` where the text ends first, ``ValueError`` elsewhere."""

    def __init__(self, text: str, at: int):
        self.at = at
        self._text = text

    def value(self, depth: int = 0) -> object:
        """The value that begins here."""
        sign = self._next()
        if depth > _DEEPEST:
            raise ValueError
        if sign == "{":
            return dict(self._items("}", lambda: self._field(depth)))
        if sign == "[":
            return list(self._items("]", lambda: self.value(depth + 1)))
        return self._scalar()

    def _field(self, depth: int) -> tuple[str, object]:
        name = str(self._scalar())
        if self._next() != ":":
            raise ValueError
        self.at += 1
        return name, self.value(depth + 1)

    def _items(self, end: str, item: Callable[[], _Item]) -> Iterator[_Item]:
        self.at += 1
        while self._next() != end:
            yield item()
            if self._next() == ",":
                self.at += 1
            elif self._next() != end:
                raise ValueError
        self.at += 1

    def _scalar(self) -> object:
        sign = self._next()
        quoted = _STRING.match(self._text, self.at)
        if quoted:
            self.at = quoted.end()
            return _unescaped(next(group for group in quoted.groups() if group is not None))
        if sign in _QUOTES:
            raise EOFError
        bare = _BARE.match(self._text, self.at)
        if bare is None:
            raise ValueError
        self.at = bare.end()
        word = bare.group()
        if word.lower() in _CONSTANTS:
            return _CONSTANTS[word.lower()]
        try:
            return float(word)
        except ValueError:
            return word

    def _next(self) -> str:
        space = _SPACE.match(self._text, self.at)
        self.at = space.end() if space else self.at
        if self.at >= len(self._text):
            raise EOFError
        return self._text[self.at]


def _unescaped(text: str) -> str:
    def plain(escape: re.Match[str]) -> str:
        sign = escape.group(1)
        return chr(int(sign[1:], 16)) if len(sign) == 5 else _ESCAPED.get(sign, sign)

    decoded = _ESCAPE.sub(plain, text)
    return decoded.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
