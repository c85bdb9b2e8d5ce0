"""What a reader sees of a text that was written for a browser."""

import re
from html import unescape

_BLOCK_NAMES = """
address article aside blockquote body br button caption center col colgroup dd details dialog
dir div dl dt fieldset figcaption figure footer form frameset h1 h2 h3 h4 h5 h6 head header hr
html img input legend li link main menu meta nav ol optgroup option p pre section select
summary table tbody td textarea tfoot th thead title tr ul video audio canvas map area base
"""
_INLINE_NAMES = """
a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark meter nobr
output progress q ruby rb s samp small span strike strong sub sup time tt u var wbr
"""
# What stands between these is never shown, or stands beside the word that it explains.
_HIDDEN_NAMES = "script style template noscript iframe noembed noframes object applet svg rp rt"
_EMPTY_NAMES = "area base br col embed hr img input link meta source track wbr"
_BLOCKS, _INLINE = frozenset(_BLOCK_NAMES.split()), frozenset(_INLINE_NAMES.split())
_HIDDEN, _EMPTY = frozenset(_HIDDEN_NAMES.split()), frozenset(_EMPTY_NAMES.split())
_RAW = frozenset(("script", "style", "rp", "rt"))
_KNOWN = _BLOCKS | _INLINE | _HIDDEN | _EMPTY
_TAG = re.compile(
    r"<(?:!--(?:-?>|.*?(?:--!?>|\Z))|!\[(?:if|endif)[^<>]*>|!\[CDATA\[(?P<data>.*?)(?:\]\]>|\Z)|[!?][a-zA-Z][^<>]*>"
    r"|(?P<close>/?)(?P<name>[a-zA-Z][\w.:-]*)"
    r"(?P<rest>(?:\s(?:[^<>\"']|\"[^\"]*\"|'[^']*')*|/)?)>)",
    re.DOTALL,
)
_CUT_TAG = re.compile(r"<(?:[a-zA-Z]+\s+[\w:-]+\s*=|!--|/[a-zA-Z]+\Z)[^<>]*\Z")
_UNSEEN = re.compile(
    r"(?:^|[\s\"';])(?:hidden(?=[\s/]|$|=)|display\s*:\s*none|visibility\s*:\s*hidden"
    r"|font-size\s*:\s*0(?:px|pt|em)?(?![\d.]))",
    re.IGNORECASE,
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][\da-fA-F]{1,6}|[a-zA-Z][a-zA-Z\d]{1,31});|&nbsp\b")
_MOST_ENCODED = 8
# Neither seen nor a sign of where a word ends; joiners that Persian and Hindi need are kept.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200e\u200f\u202a-\u202e\u2060-\u2064"
    "\u2066-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]"
    "|(?<=[a-zA-Z\u00c0-\u024f\u0370-\u052f])[\u200c\u200d](?=[a-zA-Z\u00c0-\u024f\u0370-\u052f])"
    # A word ends at this one in scripts without spaces.
    "|(?<![\u0e00-\u109f\u1780-\u17ff])\u200b(?![\u0e00-\u109f\u1780-\u17ff])"
)


def shown(text: str) -> str:
    """The text without tags, comments, scripts and characters that nobody sees."""
    plain = text
    for _ in range(_MOST_ENCODED):
        before = plain
        plain = _untagged(plain) if "<" in plain else plain
        plain = _ENTITY.sub(_letter, plain) if "&" in plain else plain
        if plain == before:
            break
    return plain if plain.isascii() else _INVISIBLE.sub("", plain)


def _letter(entity: re.Match[str]) -> str:
    return unescape(entity.group())


def _untagged(text: str) -> str:
    pieces: list[str] = []
    at = 0
    tag = _TAG.search(text)
    while tag is not None:
        pieces.append(text[at : tag.start()])
        at, instead = _after(text, tag)
        pieces.append(instead)
        tag = _TAG.search(text, at)
    pieces.append(_CUT_TAG.sub("", text[at:]))
    return "".join(pieces)


def _after(text: str, tag: re.Match[str]) -> tuple[int, str]:
    """Where the reader goes on behind a tag, and what stands in place of it."""
    name, rest = (tag["name"] or "").lower(), tag["rest"] or ""
    if not name:
        return tag.end(), str(tag["data"] or "")
    if not (name in _KNOWN or tag["close"] or "=" in rest or not rest.strip(" /")):
        # As in "x<y and z>w".
        return tag.end(), tag.group()
    instead = "" if name in _INLINE or name in _HIDDEN else "\n"
    opens = not tag["close"] and not rest.endswith("/") and name not in _EMPTY
    if opens and (name in _HIDDEN or (rest and _UNSEEN.search(rest))):
        return _end_of(text, name, tag.end()), instead
    return tag.end(), instead


def _end_of(text: str, name: str, start: int) -> int:
    """Where an element ends that begins before ``start``; at the end of the text if nowhere."""
    depth, opening = 1, int(name not in _RAW)
    same = re.compile(rf"<(/?){re.escape(name)}(?=[\s/>])[^<>]*>?", re.IGNORECASE)
    for sign in same.finditer(text, start):
        depth += -1 if sign.group(1) else opening
        if not depth:
            return sign.end()
    return len(text)
