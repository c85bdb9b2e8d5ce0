"""What clients may read of a sentence that was written for those who run the servers.

Addresses of stores and paths of files tell a tenant how a server is built.  Whoever runs it reads
them on the command line and in Dagster's logs.
"""

import re

_URL = (
    r"\b(?:mongodb(?:\+srv)?|grpcs?|https?|s3|file|unix|tcp|dns|ipv[46])"
    r":[^\s'\"<>()]*[^\s'\"<>().,;:?!]"
)
_IPV4 = r"\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?"
# In quotes it is a name that somebody chose: documents may be called doc:12345.
_SOCKET = r"(?<![\w:.'\"/-])(?=\d*[a-zA-Z])[\w-]+(?:\.[\w-]+)*:\d{4,5}\b"
_PLACE = f"(?:{_URL}|\\b{_IPV4}\\b|{_SOCKET})"
_AT_PLACE = re.compile(rf"(?: at {_PLACE}|{_PLACE})")
_LOOKED = re.compile(r" \(looked at [^)]*\)")
_PATH = re.compile(r"(?<![\w.:/])(?:/[^/\s'\"<>|:,;()]+)+/([^/\s'\"<>|:,;()]+)/?")
_STORE = re.compile(r"\b(Qdrant|MongoDB) at \S+")


def for_clients(text: str) -> str:
    """The sentence of a failure without addresses, and of paths their last part."""
    shown = _AT_PLACE.sub(_withheld, _LOOKED.sub("", text))
    return _PATH.sub(r"…/\1", shown)


def without_stores(text: str) -> str:
    """A sentence about what a client asked for, its own words left alone."""
    return _STORE.sub(r"\1", text)


def _withheld(match: re.Match[str]) -> str:
    return "" if match[0].startswith(" at ") else "(address withheld)"
