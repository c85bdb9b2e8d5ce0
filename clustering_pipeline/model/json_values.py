"""Free-form values that clients send: JSON only, and only what every store can keep."""

import math
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator

MAX_DEPTH = 32
_INT64 = 2**63


def check_json(value: Any) -> Any:
    """The value itself; ValueError names what a store could not keep."""
    for depth, item in _walk(value):
        _check_depth(depth)
        _check_item(item)
    return value


def _walk(value: Any) -> Iterator[tuple[int, Any]]:
    pending = [(0, value)]
    while pending:
        depth, item = pending.pop()
        yield depth, item
        pending += [(depth + 1, child) for child in _children(item)]


def _children(item: Any) -> list[Any]:
    if isinstance(item, dict):
        return [*item.keys(), *item.values()]
    return item if isinstance(item, list) else []


def _check_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        message = f"is nested deeper than {MAX_DEPTH} levels"
        raise ValueError(message)


def _check_item(item: Any) -> None:
    if isinstance(item, str):
        check_text(item)
    elif isinstance(item, dict):
        _check_keys(item)
    elif isinstance(item, int | float):
        _check_number(item)
    elif item is not None and not isinstance(item, list):
        message = f"holds a {type(item).__name__}, which JSON has no form for"
        raise ValueError(message)


def _check_keys(item: dict[Any, Any]) -> None:
    for key in item:
        if not isinstance(key, str) or "\0" in key:
            message = f"has the key {key!r}; keys are text without the character NUL"
            raise ValueError(message)


def _check_number(number: float) -> None:
    if isinstance(number, int):
        check_whole(number)
    elif not math.isfinite(number):
        message = f"holds {number}; numbers must be finite"
        raise ValueError(message)


def check_whole(number: int, *, name: str = "") -> int:
    """The number itself; ValueError when it is too large for any store."""
    if not -_INT64 <= number < _INT64:
        message = f"{name} holds {number}; whole numbers must fit 64 bits".lstrip()
        raise ValueError(message)
    return number


def check_text(text: str, *, name: str = "") -> str:
    """The text itself; ValueError when it is not valid Unicode (half a surrogate pair)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        message = f"{name} holds half a surrogate pair, which is not valid Unicode".lstrip()
        raise ValueError(message) from None
    return text


JsonObject = Annotated[dict[str, Any], AfterValidator(check_json)]
JsonValue = Annotated[Any, AfterValidator(check_json)]

Text = Annotated[str, AfterValidator(check_text)]


def texts_in(value: Any) -> Iterator[str]:
    """All texts in a JSON value, keys not counted."""
    if isinstance(value, dict):
        for item in value.values():
            yield from texts_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts_in(item)
    elif isinstance(value, str):
        yield value
