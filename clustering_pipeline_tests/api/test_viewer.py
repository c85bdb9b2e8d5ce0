"""The page at /docs, as a browser without a network reads it."""

import re
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from clustering_pipeline.api.document import FILES
from clustering_pipeline_tests.api.answers import error_of

REFERENCES = re.compile(r"""(?:href|src)=["']([^"']+)["']|\burl: '([^']+)'""")


@pytest.fixture(scope="module")
def page(served) -> str:
    answer = httpx.get(f"{served.url}/docs")
    assert answer.headers["Content-Type"].startswith("text/html")
    return answer.text


def test_the_page_refers_to_this_server_alone(served, page):
    assert "://" not in page
    found = [urljoin(f"{served.url}/docs", "".join(one)) for one in REFERENCES.findall(page)]
    assert {urlsplit(one).path for one in found} == {
        "/openapi.json",
        *(f"/docs/{name}" for name in FILES),
    }
    for address in found:
        answer = httpx.get(address)
        assert (answer.status_code, len(answer.content) > 1000) == (200, True)


def test_no_service_elsewhere_is_asked_about_the_document(page):
    assert '"validatorUrl": null' in page


def test_the_style_refers_to_nothing_elsewhere(served):
    style = httpx.get(f"{served.url}/docs/swagger-ui.css").text
    assert all(
        one.startswith(("data:", "#")) for one in re.findall(r"url\([\"']?([^)]{1,9})", style)
    )
    assert "@import" not in style


@pytest.mark.parametrize("name", ["redoc.standalone.js", "..%2Fcore.py", "%00", "x", "..%2f..%2f"])
def test_no_other_file_is_served(served, name):
    assert error_of(httpx.get(f"{served.url}/docs/{name}"))[0] == 404
