"""From settings to the model that names groups, and what a run may spend and send."""

from clustering_pipeline.labeling import PRICES, LabelingConfig, Price, Terms, open_provider
from clustering_pipeline.labeling.provider import Provider
from clustering_pipeline.model.errors import LabelingFailed
from clustering_pipeline.orchestration.pipeline import ProviderOf
from clustering_pipeline.settings import Settings


def terms_of(settings: Settings) -> Terms:
    """What the operator allows every run."""
    own = {
        name: Price(prompt=price.prompt, completion=price.completion)
        for name, price in settings.llm_prices.items()
    }
    return Terms(
        max_cost=settings.llm_max_cost,
        prices={**PRICES, **own},
        concurrency=settings.llm_concurrency,
        deadline=settings.llm_deadline,
        scrub=settings.llm_scrub,
        min_group_size=settings.llm_min_group_size,
    )


def provider_of(settings: Settings) -> ProviderOf:
    """The model that a definition asks for, at the server that the operator chose.

    It raises LabelingFailed when the definition names another vendor than the key's: who may edit
    a definition must not decide who gets the operator's key.
    """
    secret = settings.llm_api_key
    api_key = secret.get_secret_value() if secret else None

    def provider(config: LabelingConfig) -> Provider | None:
        if api_key and not settings.llm_base_url:
            _require_pinned(settings, config)
        return open_provider(
            api_key=api_key,
            base_url=settings.llm_base_url,
            provider=config.provider or settings.llm_provider,
            model=config.model_name or settings.llm_model,
            embedding_model=settings.llm_embedding_model,
        )

    return provider


def _require_pinned(settings: Settings, config: LabelingConfig) -> None:
    if config.provider not in {None, settings.llm_provider}:
        message = (
            f"the definition names provider {config.provider!r}, and CLUSTERING_LLM_PROVIDER says "
            f"that the key is for {settings.llm_provider!r}: set CLUSTERING_LLM_PROVIDER or "
            "CLUSTERING_LLM_BASE_URL; the labels are keyphrases"
        )
        raise LabelingFailed(message)
