"""Posting over real sockets: to where the check looked, once, and not for longer than allowed."""

import socket
import threading
from dataclasses import replace
from ipaddress import ip_address

import pytest

from clustering_pipeline.notifications.receiver import Place, resolve
from clustering_pipeline.notifications.sender import Sender
from clustering_pipeline_tests.notifications.receivers import (
    LOOPBACK,
    drip,
    hang,
    receiving,
    status,
)

HEADERS = {"webhook-id": "msg_1", "content-type": "application/json"}
HASTY = replace(LOOPBACK, seconds=0.3)


def test_a_message_arrives_as_it_is():
    with receiving(status(204)) as receiver:
        answer = LOOPBACK.post(receiver.url, HEADERS, b'{"a": "\xc3\xbc"}')
    assert (answer.status, answer.error, answer.taken) == (204, None, True)
    (heard,) = receiver.heard
    assert (heard.path, heard.body) == ("/hooks?from=us", b'{"a": "\xc3\xbc"}')
    assert heard.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert heard.headers.items() >= HEADERS.items()


@pytest.mark.parametrize("code", [199, 302, 404, 410, 500, 503])
def test_whatever_is_not_2xx_is_not_taken(code):
    with receiving(status(code)) as receiver:
        answer = LOOPBACK.post(receiver.url, HEADERS, b"{}")
    assert (answer.status, answer.taken) == (code, False)


def test_no_redirect_is_followed():
    with receiving() as other, receiving(status(307, location=other.url)) as receiver:
        answer = LOOPBACK.post(receiver.url, HEADERS, b"{}")
    assert (answer.status, len(receiver.heard), other.heard) == (307, 1, [])


@pytest.mark.parametrize("behaviour", [hang, drip])
def test_a_receiver_that_takes_its_time_is_left(behaviour):
    with receiving(behaviour) as receiver:
        answer = HASTY.post(receiver.url, HEADERS, b"{}")
    assert (answer.status, answer.error) == (None, "no answer within 0.3 s")


def test_a_receiver_that_never_says_hello_is_left():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/"
        answer = HASTY.post(url, HEADERS, b"{}")
    assert (answer.status, answer.error) == (None, "no answer within 0.3 s")


def test_the_body_of_an_answer_is_not_read():
    def endless(handler, over: threading.Event) -> None:
        handler.send_response(200)
        handler.send_header("transfer-encoding", "chunked")
        handler.end_headers()
        over.wait()

    with receiving(endless) as receiver:
        answer = LOOPBACK.post(receiver.url, HEADERS, b"{}")
    assert answer.taken


def test_an_answer_that_is_no_http_is_told():
    def garbage(handler, _over: threading.Event) -> None:
        handler.wfile.write(b"ehlo\r\n\r\n")

    with receiving(garbage) as receiver:
        answer = LOOPBACK.post(receiver.url, HEADERS, b"{}")
    assert answer.error == "BadStatusLine: ehlo"


def test_headers_without_end_are_not_read_to_their_end():
    def chatty(handler, _over: threading.Event) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 1000)

    with receiving(chatty) as receiver:
        answer = LOOPBACK.post(receiver.url, HEADERS, b"{}")
    assert answer.error == "HTTPException: got more than 100 headers"


def test_nobody_listening_is_told():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        answer = LOOPBACK.post(f"http://127.0.0.1:{port}/", HEADERS, b"{}")
    assert answer.status is None
    assert answer.error.startswith("ConnectionRefusedError")


def test_a_receiver_without_tls_is_no_https_receiver():
    with receiving() as receiver:
        answer = LOOPBACK.post(f"https://127.0.0.1:{receiver.port}/", HEADERS, b"{}")
    assert answer.status is None
    assert answer.error.startswith("SSLError")
    assert receiver.heard == []


def test_an_address_is_refused_at_the_post_too():
    with receiving() as receiver:
        answer = Sender().post(receiver.url, HEADERS, b"{}")
    assert receiver.heard == []
    assert "is not at a public address" in answer.error


def test_a_name_that_is_bound_anew_leads_nowhere():
    """Public while it is checked, this machine when it is posted to, and then public again."""
    public = Place(
        family=socket.AF_INET, address=ip_address("8.8.8.8"), socket_address=("8.8.8.8", 443)
    )
    with receiving() as receiver:
        (here,) = resolve("127.0.0.1", receiver.port)
        answers = [[public], [here], [public, here]]
        sender = Sender(resolve=lambda _host, _port: answers.pop(0))
        url = f"https://rebound.example:{receiver.port}/"
        sender.check(url)
        for _ in range(2):
            assert "is not at a public address" in sender.post(url, HEADERS, b"{}").error
    assert (receiver.heard, answers) == ([], [])


def test_the_address_that_was_checked_is_the_one_connected_to():
    asked = []

    def once(host: str, port: int) -> list[Place]:
        asked.append(host)
        return resolve("127.0.0.1", port)

    with receiving() as receiver:
        sender = replace(LOOPBACK, resolve=once)
        answer = sender.post(f"http://nobody.invalid:{receiver.port}/", HEADERS, b"{}")
    assert (answer.taken, asked) == (True, ["nobody.invalid"])
    assert receiver.heard[0].headers["host"] == f"nobody.invalid:{receiver.port}"


def test_the_next_address_is_tried_when_the_first_does_not_answer():
    with receiving() as receiver, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        places = [*resolve("127.0.0.1", taken.getsockname()[1])]
        places += resolve("127.0.0.1", receiver.port)
        sender = replace(LOOPBACK, resolve=lambda _host, _port: places)
        assert sender.post("http://two.invalid/", HEADERS, b"{}").taken
    assert receiver.heard[0].headers["host"] == "two.invalid"


def test_a_name_that_nobody_knows_is_told():
    answer = Sender().post("https://nobody.invalid/", HEADERS, b"{}")
    assert answer.status is None
    assert answer.error.startswith("gaierror")
