"""Who gets in: Host with its port, Origin."""

import socket
from urllib.parse import urlsplit

import pytest

from models.system.web_access import Access, is_loopback


@pytest.mark.parametrize("header", ["127.0.0.1:8765", "localhost:8765", "LOCALHOST:8765"])
def test_our_own_names_are_let_in(header):
    assert Access("127.0.0.1", 8765).host_allowed(header)


FOREIGN = [
    None,
    "",
    "127.0.0.1",
    "127.0.0.1:8766",
    "evil.example:8765",
    "127.0.0.1.evil.example:8765",
    "127.0.0.1:8765/x",
    "127.0.0.1:8765@evil.example",
    "user@127.0.0.1:8765",
    "127.0.0.1:notaport",
    "127.0.0.1:99999",
    "[::1",
    "None:8765",
]


@pytest.mark.parametrize("header", [*FOREIGN, "192.168.1.20:8765", f"{socket.gethostname()}:8765"])
def test_any_other_host_is_refused_on_loopback(header):
    assert not Access("127.0.0.1", 8765).host_allowed(header)


@pytest.mark.parametrize("header", [None, "evil.example:8765", "192.168.1.20:80", "192.168.1.20"])
def test_a_name_that_is_not_ours_is_refused_in_the_network_too(header):
    access = Access("0.0.0.0", 8765)
    assert not access.host_allowed(header)
    assert access.host_allowed("192.168.1.20:8765")
    assert access.host_allowed(f"{socket.gethostname().lower()}:8765")
    assert access.host_allowed("[fd00::7]:8765")


def test_on_port_80_browsers_leave_the_port_out():
    assert Access("127.0.0.1", 80).host_allowed("localhost")


def test_only_our_own_page_may_open_the_stream():
    access = Access("127.0.0.1", 8765)
    assert access.origin_allowed("http://localhost:8765", "localhost:8765")
    assert access.origin_allowed(None, "localhost:8765")  # no browser
    for foreign in (
        "http://evil.example",
        "null",
        "http://localhost:3000",
        "https://localhost:8765",
    ):
        assert not access.origin_allowed(foreign, "localhost:8765")


def test_behind_a_proxy_our_page_has_its_host_and_scheme():
    access, host = Access("127.0.0.1", 8765), "127.0.0.1:8765"
    public = "https://party.example"
    assert access.origin_allowed(public, host, forwarded_host="party.example")
    assert not access.origin_allowed("https://evil.example", host, forwarded_host="party.example")
    assert not access.origin_allowed(public, host, forwarded_scheme="https")
    assert access.origin_allowed(f"https://{host}", host, forwarded_scheme="https")


def test_addresses_are_written_as_a_browser_takes_them():
    assert Access("::1", 8765).url == "http://[::1]:8765/"
    everywhere = urlsplit(Access("0.0.0.0", 8765).url)
    assert everywhere.hostname != "0.0.0.0"
    assert everywhere.port == 8765


@pytest.mark.parametrize("host", ["0.0.0.0", "", "10.0.0.1", "localhost.evil.example"])
def test_what_others_can_reach_is_not_loopback(host):
    assert not is_loopback(host)
