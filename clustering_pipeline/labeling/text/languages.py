"""Which language a text is in, told from its script and its function words."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from heapq import nlargest
from itertools import islice
from operator import itemgetter

from clustering_pipeline.labeling.text.stopwords import STOP_WORDS as ENGLISH

_SCRIPTS = (
    ("ja", re.compile("[\u3041-\u30ff]")),
    ("zh", re.compile("[\u3400-\u9fff]")),
    ("ko", re.compile("[\uac00-\ud7af]")),
    ("th", re.compile("[\u0e00-\u0e7f]")),
    ("he", re.compile("[\u0590-\u05ff]")),
    ("el", re.compile("[\u0370-\u03ff]")),
    ("bn", re.compile("[\u0980-\u09ff]")),
    ("hy", re.compile("[\u0530-\u058f]")),
    ("gu", re.compile("[\u0a80-\u0aff]")),
)
_FIRST_TELLING = "\u0370"
_SAMPLE = 80
_FALLBACK = "en"
_LEAD = 0.5
"""Half of what a word says that one language alone has."""


@cache
def stop_words(language: str) -> frozenset[str]:
    """Words of a language that name no topic; empty for a language without a list."""
    if language == "en":
        return ENGLISH
    import stopwordsiso  # noqa: PLC0415 - reads a 200 kB table

    return frozenset(word.lower() for word in stopwordsiso.stopwords(language))


def language_of(words: Iterable[str], among: tuple[str, ...] | None = None) -> str | None:
    """The ISO 639-1 code of the language, or ``None`` when nothing tells.

    Between languages that it may be ``among`` as well, the first is taken.
    """
    sample = list(islice(filter(None, words), _SAMPLE))
    return _by_script(sample) or _likeliest(_by_function_words(sample, among), among)


def main_languages(texts: Iterable[Sequence[str]], *, share: float = 0.02) -> tuple[str, ...]:
    """The languages of a corpus that hold at least ``share`` of its texts, commonest first.

    A text of few words is in any of a dozen languages: only texts with words that tell are
    counted, and where none has any, all of them are told as one.
    """
    found: Counter[str] = Counter()
    together: Counter[str] = Counter()
    for words in texts:
        sample = list(islice(filter(None, words), _SAMPLE))
        scores = Counter(_by_function_words(sample))
        told = _by_script(sample) or _clear(scores)
        found.update(filter(None, [told]))
        together.update(scores)
    enough = share * found.total()
    main = tuple(name for name, count in found.most_common() if count >= enough)
    return main or (_likeliest(together, (_FALLBACK, *sorted(together))) or _FALLBACK,)


def _by_script(sample: list[str]) -> str | None:
    text = "".join(sample)
    if max(text, default="") < _FIRST_TELLING:
        return None
    found = {name: len(script.findall(text)) for name, script in _SCRIPTS}
    # A Japanese text may hold more Han than kana, a Chinese one holds no kana at all.
    if found["ja"] * 8 > found["zh"]:
        found["ja"] += found.pop("zh")
    name, count = max(found.items(), key=itemgetter(1))
    return name if count > len(text) / 3 else None


def _clear(scores: Mapping[str, float]) -> str | None:
    """The likeliest language, if no other is nearly as likely."""
    best, second = nlargest(2, [*scores.values(), 0.0, 0.0])
    return _likeliest(scores) if best - second >= _LEAD else None


def _likeliest(scores: Mapping[str, float], among: tuple[str, ...] | None = None) -> str | None:
    names = sorted(scores, reverse=True) if among is None else [n for n in among if n in scores]
    return max(names, key=scores.__getitem__, default=None)


def _by_function_words(sample: list[str], among: tuple[str, ...] | None = None) -> dict[str, float]:
    scores: defaultdict[str, float] = defaultdict(float)
    weights = _weights(among)
    for word in sample:
        for language, weight in weights.get(word, ()):
            scores[language] += weight
    return scores


@cache
def _weights(among: tuple[str, ...] | None) -> dict[str, tuple[tuple[str, float], ...]]:
    """Function word to what it tells for each language; one of many languages tells little."""
    return {
        word: told
        for word, known in _languages_with().items()
        if (told := tuple((one, 1 / len(known)) for one in known if among is None or one in among))
    }


@cache
def _languages_with() -> dict[str, tuple[str, ...]]:
    import stopwordsiso  # noqa: PLC0415

    by_script = {name for name, _ in _SCRIPTS}
    table: dict[str, list[str]] = {}
    for language in sorted(stopwordsiso.langs() - by_script):
        for word in stop_words(language):
            table.setdefault(word, []).append(language)
    return {word: tuple(languages) for word, languages in table.items()}
