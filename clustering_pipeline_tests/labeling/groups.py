"""Groups to label, each with a few documents."""

from clustering_pipeline.labeling import Example, Group, LabelingConfig, LabelRequest, Terms
from clustering_pipeline.labeling.inputs import Inputs
from clustering_pipeline.labeling.llm.openai import OpenAICompatible

TOPICS = (
    ("grain harvest", "wheat", "farm"),
    ("solar energy", "wind power", "coal"),
    ("school library", "teachers", "exams"),
    ("nuclear treaty", "missiles", "arms"),
    ("health insurance", "doctors", "patients"),
    ("tax reform", "income", "deductions"),
)


def documents(phrases: tuple[str, ...], count: int = 4) -> list[str]:
    return [
        f"Report {at}: the {phrases[at % len(phrases)]} and the {phrases[0]} were discussed."
        for at in range(count)
    ]


def group(
    number: int, *texts: str, size: int = 40, phrases: tuple[str, ...] | None = None
) -> Group:
    phrases = phrases or TOPICS[number % len(TOPICS)]
    shown = texts or tuple(documents(phrases))
    return Group(
        number=number,
        cluster_id=f"cl_{number}",
        size=size,
        keyphrases=phrases,
        examples=tuple(
            Example(row=at, inputs=Inputs(texts={"text": text})) for at, text in enumerate(shown)
        ),
        nearest=(),
    )


def groups(count: int = 3) -> tuple[Group, ...]:
    made = [TOPICS[at % len(TOPICS)] for at in range(count)]
    return tuple(
        group(
            at,
            phrases=phrases
            if at < len(TOPICS)
            else tuple(f"{phrase} {_word(at)}" for phrase in phrases),
        )
        for at, phrases in enumerate(made)
    )


def _word(number: int) -> str:
    return "".join(chr(ord("a") + int(digit)) * 3 for digit in str(number))


def request_to(
    server,
    *asked: Group,
    terms: Terms | None = None,
    embedding_model: str | None = None,
    model: str = "gpt-4.1-mini",
    **given,
) -> LabelRequest:
    config = {"enabled": True, "use_embedding_dedup": embedding_model is not None} | given.pop(
        "config", {}
    )
    return LabelRequest(
        groups=asked or groups(),
        config=LabelingConfig.from_mapping(config),
        provider=OpenAICompatible(
            base_url=server.base_url, api_key="local", model=model, embedding_model=embedding_model
        ),
        terms=terms or Terms(retry_pause=0.01, call_timeout=5, deadline=20),
        **given,
    )
