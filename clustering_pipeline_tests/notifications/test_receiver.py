"""Addresses that nobody may have us connect to, in every notation there is."""

from ipaddress import ip_address, ip_network

import pytest

from clustering_pipeline.model.errors import ReceiverRefused
from clustering_pipeline.notifications.receiver import is_allowed, is_public
from clustering_pipeline.notifications.sender import Sender


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("127.0.0.1", id="loopback"),
        pytest.param("127.8.9.10", id="loopback-too"),
        pytest.param("0.0.0.0", id="this-host"),  # noqa: S104 - nothing is bound to it
        pytest.param("10.1.2.3", id="private-10"),
        pytest.param("172.16.0.1", id="private-172"),
        pytest.param("192.168.1.1", id="private-192"),
        pytest.param("100.64.0.1", id="carrier"),
        pytest.param("100.100.100.200", id="metadata-alibaba"),
        pytest.param("169.254.169.254", id="metadata"),
        pytest.param("168.63.129.16", id="metadata-azure"),
        pytest.param("192.0.0.192", id="metadata-oracle"),
        pytest.param("224.0.0.1", id="multicast"),
        pytest.param("198.18.0.1", id="benchmarks"),
        pytest.param("203.0.113.9", id="documentation"),
        pytest.param("240.0.0.1", id="reserved"),
        pytest.param("255.255.255.255", id="broadcast"),
        pytest.param("::1", id="loopback-6"),
        pytest.param("::", id="unspecified-6"),
        pytest.param("fe80::1", id="link-local-6"),
        pytest.param("fec0::1", id="site-local-6"),
        pytest.param("fc00::1", id="unique-local-6"),
        pytest.param("fd00:ec2::254", id="metadata-6"),
        pytest.param("ff02::1", id="multicast-6"),
        pytest.param("2001:db8::1", id="documentation-6"),
        pytest.param("::ffff:127.0.0.1", id="mapped-loopback"),
        pytest.param("::ffff:10.0.0.1", id="mapped-private"),
        pytest.param("::ffff:169.254.169.254", id="mapped-metadata"),
        pytest.param("::127.0.0.1", id="compatible-loopback"),
        pytest.param("64:ff9b::7f00:1", id="translated-loopback"),
        pytest.param("64:ff9b::a9fe:a9fe", id="translated-metadata"),
        pytest.param("64:ff9b:1::a00:1", id="translated-locally"),
        pytest.param("2002:7f00:1::", id="6to4-loopback"),
        pytest.param("2002:a00:1::1", id="6to4-private"),
        pytest.param("2001:0:4136:e378:8000:63bf:80ff:fffe", id="teredo-loopback"),
    ],
)
def test_what_is_not_public_is_known(address):
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "172.32.0.1", "::ffff:8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"]
)
def test_what_is_public_is_known(address):
    assert is_public(ip_address(address))


def test_a_network_that_is_allowed_covers_both_notations():
    networks = (ip_network("127.0.0.0/8"), ip_network("fd00::/8"))
    for address in ("127.0.0.1", "::ffff:127.0.0.1", "fd00::7"):
        assert is_allowed(ip_address(address), networks)
    for address in ("10.0.0.1", "::1", "fe80::1"):
        assert not is_allowed(ip_address(address), networks)


@pytest.mark.parametrize(
    "host",
    [
        pytest.param("127.0.0.1", id="plain"),
        pytest.param("localhost", id="a-name-of-the-loopback"),
        pytest.param("2130706433", id="decimal"),
        pytest.param("0x7f000001", id="hexadecimal"),
        pytest.param("017700000001", id="octal"),
        pytest.param("0177.0.0.1", id="octal-part"),
        pytest.param("0x7f.1", id="short"),
        pytest.param("127.1", id="shorter"),
        pytest.param("0", id="shortest"),
        pytest.param("10.0.0.7", id="private"),
        pytest.param("167772167", id="private-decimal"),
        pytest.param("169.254.169.254", id="metadata"),
        pytest.param("0xa9fea9fe", id="metadata-hexadecimal"),
        pytest.param("[::1]", id="ipv6"),
        pytest.param("[::ffff:127.0.0.1]", id="mapped"),
        pytest.param("[::ffff:a9fe:a9fe]", id="mapped-metadata"),
        pytest.param("[fe80::1]", id="link-local"),
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_receiver_that_is_not_public_is_refused(scheme, host):
    with pytest.raises(ReceiverRefused, match="is not at a public address"):
        Sender().check(f"{scheme}://{host}:8080/hook")


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        pytest.param("", "does not begin with https", id="empty"),
        pytest.param("hooks.example.com", "does not begin with https", id="no-scheme"),
        pytest.param("ftp://hooks.example.com", "does not begin with https", id="ftp"),
        pytest.param("file:///etc/passwd", "does not begin with https", id="file"),
        pytest.param("https://", "does not begin with https", id="no-host"),
        pytest.param("https://ann:pw@8.8.8.8/", "holds a user", id="user"),
        pytest.param("https://8.8.8.8/#x", "holds a user, a password or a #", id="fragment"),
        pytest.param("https://8.8.8.8/a b", "percent-encoded", id="space"),
        pytest.param("https://8.8.8.8/\r\nx: y", "percent-encoded", id="line-break"),
        pytest.param("https://8.8.8.8\\@127.0.0.1/", "percent-encoded", id="backslash"),
        pytest.param("https://bücher.example/", "percent-encoded", id="unicode"),
        pytest.param("https://8.8.8.8:99999/", "cannot be read", id="port"),
        pytest.param("https://[::1/", "cannot be read", id="bracket"),
        pytest.param("http://8.8.8.8/", "must begin with https", id="public-and-plain"),
    ],
)
def test_a_url_that_cannot_be_posted_to_is_refused(url, problem):
    with pytest.raises(ReceiverRefused, match=problem):
        Sender().check(url)


@pytest.mark.parametrize(
    "url",
    ["https://8.8.8.8/", "https://[2606:4700::1111]:8443/hook?a=1", "https://nobody.invalid/"],
)
def test_a_public_receiver_is_taken_and_one_that_nobody_knows_yet(url):
    Sender().check(url)
