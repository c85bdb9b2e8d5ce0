"""What a model's server sent, read into an answer or into why there is none."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import TypeAlias, cast

from clustering_pipeline.labeling.provider import FILTERED, LENGTH, Answer, Failure, Usage

Fields: TypeAlias = Mapping[str, object]

_BUSY = frozenset({408, 409, 425, 429})
_UNSURE = frozenset({400, 415, 422})
"""A refusal that names nothing may be of the form as well."""
_TOO_LARGE = 413
_ROUTING = frozenset({404, 405})
_NO_QUOTA = re.compile(r"insufficient.?(quota|balance|credits?|funds)", re.IGNORECASE)
_FILTER = re.compile(
    r"content.?(filter|management|policy|safety)|responsible.?ai|moderation|flagged|guardrail"
    r"|safety (system|filter|reasons)|jailbreak|data_inspection|inappropriate|prohibited.?content"
    r"|usage polic|(output|input|text|content) (new_)?sensitive|sensitive (content|information)"
    r"|harmful|invalid_prompt|policy.?violation",
    re.IGNORECASE,
)
_TOO_LONG = re.compile(
    r"context.?(length|window|size)|maximum context|max_model_len|string_above_max_length"
    r"|(prompt|input|messages?|request)\b.{0,40}too (long|large)|too many (input )?tokens"
    r"|input token count|reduce the length",
    re.IGNORECASE,
)
_FORM = re.compile(
    r"response.?format|json.?(schema|object|mode)|structured.?output|guided|grammar"
    r"|response_?schema|requested parameters",
    re.IGNORECASE,
)
# The model's doing, not the server's.
_ANSWERED = re.compile(
    r"json_validate_failed|failed_generation|(failed|unable) to (generate|validate)"
    r"|generated json|does not match the expected schema",
    re.IGNORECASE,
)
_RATE = re.compile(
    r"rate.?limit|too many requests|throttl|overloaded|resource.?exhausted|at capacity"
    r"|try again (later|in)|temporarily",
    re.IGNORECASE,
)
_PAUSE = re.compile(
    r"(?:try again|retry|wait)\D{0,30}?(\d+(?:\.\d+)?)\s*(ms|milliseconds?|s\b|sec|m\b|min)?", re.I
)
_UNITS = {"ms": 0.001, "mi": 60.0, "m": 60.0}
# Where servers say what is wrong; what they repeat of the question stands elsewhere.
_SENTENCES = (
    "message",
    "msg",
    "error_message",
    "error_msg",
    "status_msg",
    "detail",
    "details",
    "reason",
    "error",
    "errors",
    "description",
)
_TELLING = (
    *_SENTENCES,
    "code",
    "type",
    "error_type",
    "status",
    "param",
    "loc",
    "innererror",
    "base_resp",
    "metadata",
    "raw",
    "provider_specific_fields",
    "retryDelay",
)
_LONGEST = 300
_DATA = re.compile(r"^data:(.*)$", re.MULTILINE)
_REASONING = ("reasoning_content", "reasoning", "reasoning_details")
_FINE = frozenset({"", "0", "200", "success", "ok", "None"})


def told(body: object) -> str:
    """Everything that a refusal tells, on one line: messages, codes, names of parameters."""
    return " ".join(" ".join(_told(body, 0)).split())


def _told(value: object, depth: int) -> Iterator[str]:
    if depth > 8:
        return
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _told(each, depth + 1)
    elif isinstance(value, Mapping):
        for name in _TELLING:
            yield from _told(value.get(name), depth + 1)


def refusal(
    status: int, said: str, message: str, pause: float | None, usage: Usage | None = None
) -> Failure:
    """A failure of the server's own, from its status and from what it ``said``.

    That the form of the answer is at fault is clear where it is named, may be where a request is
    called bad and nothing is named, and is not where a filter or the text's length is at fault.
    """
    if status in _BUSY or status >= 500:
        if _NO_QUOTA.search(said):
            return Failure(kind="refused", message=message, usage=usage)
        wait = _pause_in(said) if pause is None else pause
        return Failure(kind="busy", message=message, retry_after=wait, usage=usage)
    of_text = bool(status == _TOO_LARGE or _FILTER.search(said) or _TOO_LONG.search(said))
    named = _FORM.search(said) is not None and not _ANSWERED.search(said)
    unsupported = status in _UNSURE or (status in _ROUTING and named)
    if of_text or not unsupported:
        return Failure(kind="refused", message=message, of_text=of_text, usage=usage)
    return Failure(kind="unsupported", message=message, names_form=named, usage=usage)


def reply(body: object, pause: float | None = None) -> Answer | Failure:
    """What a server sent with status 200; ``pause`` is what its headers ask for."""
    fields = _fields(body[0] if isinstance(body, list) and len(body) == 1 else body)
    if not fields:
        return Failure(kind="refused", message="the model's server sent no JSON object")
    usage, choice = _usage(fields), _choice(fields)
    error = _error(fields, choice)
    if error is not None:
        # A server that counted nothing has turned the question away.
        return _inner_refusal(error, pause, usage if usage != Usage() else None)
    if choice is None:
        message = "the model's server gave no answer: its list of choices is empty"
        return Failure(kind="refused", message=_because(message, fields), usage=usage)
    return _answer(choice, usage)


def streamed(text: str) -> object:
    """The whole of an answer that a server sends in pieces unasked; other text as it is."""
    try:
        pieces = [json.loads(data) for data in _DATA.findall(text) if data.strip() != "[DONE]"]
    except (ValueError, RecursionError):
        return text
    wrong = [piece for piece in pieces if _error(_fields(piece), None) is not None]
    if wrong or not pieces:
        return wrong[0] if wrong else text
    message: dict[str, object] = {}
    whole: dict[str, object] = {"message": message}
    for choice in filter(None, (_choice(_fields(piece)) for piece in pieces)):
        for name in ("content", *_REASONING, "refusal"):
            message[name] = _text_of(message.get(name)) + _text_of(_message(choice).get(name))
        whole["finish_reason"] = choice.get("finish_reason") or whole.get("finish_reason")
    usage = [usage for piece in pieces if (usage := _fields(piece).get("usage"))]
    return {"choices": [whole], "usage": usage[-1] if usage else None}


def _text_of(value: object) -> str:
    parts = value if isinstance(value, list) else [value]
    return "".join(map(_part, parts))


def _answer(choice: Fields, usage: Usage) -> Answer | Failure:
    message = _message(choice)
    finish = str(choice.get("finish_reason") or choice.get("stop_reason") or "stop").strip()
    word = finish.casefold()
    text = _text(message.get("content")) or _text(choice.get("text"))
    called = "" if '"label"' in text else _called(message)
    refused = _refused(message)
    if word in FILTERED and not (word == "refusal" and refused):
        reason = f"a content filter stopped the model's answer ({finish})"
        return Failure(kind="refused", message=_because(reason, choice), usage=usage)
    text = "\n".join(filter(None, (text, called)))
    if refused and not text:
        return Failure(kind="refused", message=f"the model refused: {_short(refused)}", usage=usage)
    if not text and word not in LENGTH:
        text = next(filter(None, (_text(message.get(name)) for name in _REASONING)), "")
    if not text and word not in LENGTH:
        return Failure(kind="refused", message="the model gave an empty answer", usage=usage)
    return Answer(text=text, finish_reason=finish, usage=usage)


def _choice(body: Fields) -> Fields | None:
    """The first choice with something in it; a message without choices counts as one."""
    listed = body.get("choices")
    choices = list(filter(None, map(_fields, listed))) if isinstance(listed, list) else []
    if choices:
        return next(filter(_said_something, choices), choices[0])
    if listed is None and _fields(body.get("message")):
        return body
    if listed is None and isinstance(body.get("content"), str | list):
        return {"message": body, "finish_reason": body.get("stop_reason")}
    return None


def _message(choice: Fields) -> Fields:
    spoken = choice.get("message", choice.get("delta"))
    return _fields(spoken) or {"content": spoken}


def _said_something(choice: Fields) -> bool:
    message = _message(choice)
    return bool(_text(message.get("content")) or _called(message) or choice.get("text"))


def _text(content: object) -> str:
    """The text of a content: as text, in parts, or as the object itself."""
    if isinstance(content, str):
        return content.strip("\ufeff \t\r\n")
    if isinstance(content, list):
        return "".join(_part(part) for part in content).strip("\ufeff \t\r\n")
    if isinstance(content, Mapping):
        part = _part(content)
        return part or json.dumps(content, ensure_ascii=False)
    return ""


def _part(part: object) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, Mapping) or "refusal" in part:
        return ""
    if part.get("type") in {"thinking", "reasoning", "redacted_thinking"}:
        return ""
    if part.get("type") in {"tool_use", "json", "output_json"}:
        return _text(part.get("input") or part.get("json"))
    text = part.get("text")
    if isinstance(text, Mapping):
        text = text.get("value")
    return text if isinstance(text, str) else ""


def _called(message: Fields) -> str:
    """The arguments of a function that the model called in place of answering."""
    listed = message.get("tool_calls")
    calls = list(map(_fields, listed)) if isinstance(listed, list) else []
    functions = [_fields(call.get("function", call)) for call in calls]
    functions.append(_fields(message.get("function_call")))
    return "\n".join(filter(None, (_text(called.get("arguments")) for called in functions)))


def _refused(message: Fields) -> str:
    """What a model says where it will not answer: beside the content, or as a part of it."""
    content = message.get("content")
    parts = list(map(_fields, content)) if isinstance(content, list) else []
    said = [message.get("refusal"), *(part.get("refusal") for part in parts)]
    return " ".join(str(each) for each in said if isinstance(each, str)).strip()


def _usage(body: Fields) -> Usage:
    counts = _fields(body.get("usage"))
    return Usage(
        prompt_tokens=_count(counts, "prompt_tokens", "input_tokens"),
        completion_tokens=_count(counts, "completion_tokens", "output_tokens"),
    )


def _count(counts: Fields, *names: str) -> int:
    for name in names:
        try:
            return max(0, int(float(str(counts[name]))))
        except (KeyError, ValueError, OverflowError):
            continue
    return 0


def _error(body: Fields, choice: Fields | None) -> object:
    """What a body with status 200 has in place of an answer; ``None`` where it has none."""
    for error in (body.get("error"), body.get("errors"), (choice or {}).get("error")):
        if error and not _is_fine(error):
            return error
    if choice is not None:
        return None
    base = _fields(body.get("base_resp"))
    if base and str(base.get("status_code")) not in _FINE:
        return base
    return body if body.get("object") == "error" or _sentence(body) else None


def _is_fine(error: object) -> bool:
    if not isinstance(error, Mapping):
        return False
    return str(error.get("code", "")).lower() in _FINE and not _sentence(error)


def _inner_refusal(error: object, pause: float | None, usage: Usage | None) -> Failure:
    said, code = told(error), _code(error)
    if code is None:
        code = 429 if _RATE.search(said) else 400
    reason = _sentence(error) or said or "it gives no reason"
    message = f"the model's server answered 200 with an error: {_short(reason)}"
    failed = refusal(code, said, message, pause, usage)
    if failed.kind == "unsupported" and not failed.names_form:
        return Failure(kind="refused", message=message, usage=usage)
    return failed


def _code(error: object) -> int | None:
    """The HTTP status that an error has as its code; one of its own says nothing."""
    codes = (str(_fields(error).get(name)) for name in ("code", "status_code", "status"))
    return next((int(code) for code in codes if re.fullmatch(r"[45]\d\d", code)), None)


def _sentence(error: object) -> str:
    """What an error says to people."""
    if isinstance(error, str):
        return error
    if isinstance(error, list):
        return "; ".join(filter(None, map(_sentence, error)))
    if isinstance(error, Mapping):
        return next(filter(None, (_sentence(error.get(name)) for name in _SENTENCES)), "")
    return ""


def _because(message: str, fields: Fields) -> str:
    """The message with the categories that a filter names."""
    found = re.findall(
        r'"(\w+)": \{[^{}]*"filtered": true', json.dumps(fields, default=str, ensure_ascii=False)
    )
    return f"{message}: {', '.join(dict.fromkeys(found))}" if found else message


def _pause_in(said: str) -> float | None:
    asked = _PAUSE.search(said)
    if asked is None:
        return None
    unit = (asked.group(2) or "s").lower()
    return float(asked.group(1)) * _UNITS.get(unit[:2].strip(), 1.0)


def _fields(value: object) -> Fields:
    return cast("Fields", value) if isinstance(value, Mapping) else {}


def _short(text: str) -> str:
    return " ".join(text.split())[:_LONGEST]
