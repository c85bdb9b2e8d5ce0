"""What the settings say of the model that labels, and of what it may cost."""

import pytest

from clustering_pipeline.labeling import PRICES, LabelingConfig, Price
from clustering_pipeline.local.connect import provider_of, terms_of
from clustering_pipeline.model.errors import LabelingFailed
from clustering_pipeline.settings import Settings


def asked(provider=None, **settings):
    config = LabelingConfig(enabled=True, provider=provider)
    return provider_of(Settings(**settings))(config)


def test_without_key_and_address_there_is_no_model():
    assert asked() is None


def test_a_definition_does_not_send_the_key_to_another_vendor():
    with pytest.raises(LabelingFailed, match="CLUSTERING_LLM_PROVIDER"):
        asked("google", llm_api_key="secret")


@pytest.mark.parametrize("provider", [None, "google"])
def test_the_pinned_vendor_gets_it(provider):
    found = asked(provider, llm_api_key="secret", llm_provider="google")
    assert "googleapis" in found.base_url


def test_the_operators_server_serves_whatever_vendor_a_definition_names():
    found = asked("anthropic", llm_base_url="http://127.0.0.1:1/v1", llm_model="tiny")
    assert (found.base_url, found.model) == ("http://127.0.0.1:1/v1", "tiny")


def test_prices_are_added_to_the_known_ones():
    prices = {"tiny": {"prompt": 1, "completion": 2}}
    terms = terms_of(Settings(llm_prices=prices, llm_max_cost=0.5, llm_scrub=True))
    assert terms.prices == {**PRICES, "tiny": Price(prompt=1, completion=2)}
    assert (terms.max_cost, terms.scrub) == (0.5, True)


def test_the_settings_in_force_name_them(monkeypatch):
    monkeypatch.setenv("CLUSTERING_LLM_PRICES", '{"tiny": {"prompt": 1, "completion": 2}}')
    shown = Settings(llm_max_cost=2).in_force()
    assert shown["CLUSTERING_LLM_PRICES"] == '{"tiny": {"prompt": 1.0, "completion": 2.0}}'
    assert shown["CLUSTERING_LLM_MAX_COST"] == "2.0"
