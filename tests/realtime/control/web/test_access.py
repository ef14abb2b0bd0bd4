"""The role that a link gives."""

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.control.web.access import RoleAccess, access_for
from realtime.control.web.roles import Role


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8"])
def test_on_a_loopback_address_everybody_is_the_owner_without_a_token(host):
    access = access_for(host, 8765)
    assert access.role_of(None, None) is Role.OWNER
    assert "token" not in access.url
    assert not access.reachable


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.20", "fd00::7", "camera.lan"])
def test_any_other_address_needs_a_token_whose_link_says_the_role(host):
    access, other = access_for(host, 8765), access_for(host, 8765)
    assert access.reachable
    assert access.url == access.link(Role.OWNER)
    assert len({access.link(role) for role in Role}) == 3
    for role in Role:
        [token] = parse_qs(urlsplit(access.link(role)).query)["token"]
        assert len(token) >= 20
        assert token != other.tokens[role]
        assert access.role_of(token) is role
        assert access.role_of(None, token) is role
        for wrong in (None, "", other.tokens[role], token[:-1], token + "x", "\ud800"):
            assert access.role_of(wrong) is None


def test_the_link_says_more_than_the_cookie():
    access = access_for("0.0.0.0", 8765)
    tokens = access.tokens
    assert access.role_of(tokens[Role.GUEST], tokens[Role.OWNER]) is Role.GUEST
    assert access.role_of("nonsense", tokens[Role.VIEWER]) is Role.VIEWER


def test_at_a_kiosk_whoever_has_no_token_is_a_guest_but_not_from_elsewhere():
    here = access_for("127.0.0.1", 8765, kiosk=True)
    assert here.role_of(None, None) is Role.GUEST
    assert here.role_of(here.tokens[Role.OWNER]) is Role.OWNER
    assert "token" not in here.url
    assert access_for("0.0.0.0", 8765, kiosk=True).role_of(None) is None


@given(st.text(max_size=40))
def test_no_guess_is_a_token(guess):
    tokens = dict.fromkeys(Role, "correct-horse")
    assert RoleAccess("0.0.0.0", 8765, tokens, None).role_of(guess) is None
