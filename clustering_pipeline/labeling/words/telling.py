"""The words of a text that may tell its subject."""

from clustering_pipeline.labeling.words import languages, tokens
from clustering_pipeline.labeling.words.selection import stems


def telling_words(text: str) -> list[str]:
    """Its words in order, without endings and without the stop words of its language."""
    words = [word for word in tokens.words(text) if word]
    language = languages.language_of(words)
    stop = languages.stop_words(language) if language else frozenset()
    return ["".join(stems(word)) for word in words if word not in stop]
