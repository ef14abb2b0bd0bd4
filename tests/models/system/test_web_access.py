"""Who gets in: Host with its port, Origin, token."""

import socket
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.system.web_access import Access, access_for, is_loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8"])
def test_a_loopback_address_needs_no_token(host):
    access = access_for(host, 8765)
    assert access.token is None
    assert access.token_allowed(None)
    assert "token" not in access.url


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.20", "fd00::7", "camera.lan"])
def test_any_other_address_needs_its_random_token(host):
    access, other = access_for(host, 8765), access_for(host, 8765)
    assert access.token is not None
    assert len(access.token) >= 20
    assert access.token != other.token
    assert access.token_allowed(access.token)
    assert access.token_allowed(None, access.token)
    for wrong in (None, "", other.token, access.token[:-1], access.token + "x", "\ud800"):
        assert not access.token_allowed(wrong)
    [token] = parse_qs(urlsplit(access.url).query)["token"]
    assert token == access.token


@given(st.text(max_size=40))
def test_no_guess_is_the_token(guess):
    assert not Access("0.0.0.0", 8765, "correct-horse").token_allowed(guess)


@pytest.mark.parametrize("header", ["127.0.0.1:8765", "localhost:8765", "LOCALHOST:8765"])
def test_our_own_names_are_let_in(header):
    assert access_for("127.0.0.1", 8765).host_allowed(header)


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
    assert not access_for("127.0.0.1", 8765).host_allowed(header)


@pytest.mark.parametrize("header", [None, "evil.example:8765", "192.168.1.20:80", "192.168.1.20"])
def test_a_name_that_is_not_ours_is_refused_in_the_network_too(header):
    access = access_for("0.0.0.0", 8765)
    assert not access.host_allowed(header)
    assert access.host_allowed("192.168.1.20:8765")
    assert access.host_allowed(f"{socket.gethostname().lower()}:8765")
    assert access.host_allowed("[fd00::7]:8765")


def test_on_port_80_browsers_leave_the_port_out():
    assert access_for("127.0.0.1", 80).host_allowed("localhost")


def test_only_our_own_page_may_open_the_stream():
    access = access_for("127.0.0.1", 8765)
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
    access, host = access_for("127.0.0.1", 8765), "127.0.0.1:8765"
    public = "https://party.example"
    assert access.origin_allowed(public, host, forwarded_host="party.example")
    assert not access.origin_allowed("https://evil.example", host, forwarded_host="party.example")
    assert not access.origin_allowed(public, host, forwarded_scheme="https")
    assert access.origin_allowed(f"https://{host}", host, forwarded_scheme="https")


def test_addresses_are_written_as_a_browser_takes_them():
    assert access_for("::1", 8765).url == "http://[::1]:8765/"
    everywhere = urlsplit(access_for("0.0.0.0", 8765).url)
    assert everywhere.hostname != "0.0.0.0"
    assert everywhere.port == 8765


@pytest.mark.parametrize("host", ["0.0.0.0", "", "10.0.0.1", "localhost.evil.example"])
def test_what_others_can_reach_is_not_loopback(host):
    assert not is_loopback(host)
