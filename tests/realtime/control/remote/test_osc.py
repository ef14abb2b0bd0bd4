"""OSC through a real UDP socket."""

import socket
import sys

import pytest

from models.errors import UsageError
from realtime.control.remote.osc import OscServer, verb_of_osc
from realtime.control.state import Settings, SettingsStore
from realtime.control.values import VALUES
from realtime.control.verbs import VERBS
from tests.realtime.fakes import wait_until

udp_client = pytest.importorskip("pythonosc.udp_client", reason="stylecam[osc] is not installed")
START = Settings(("one", "two"), "one")


@pytest.fixture
def osc():
    said: list[str] = []
    server = OscServer(SettingsStore(START), 0, host="127.0.0.1", say=said.append)
    server.start()
    client = udp_client.SimpleUDPClient("127.0.0.1", server.port)
    yield server._box, client, said
    client._sock.close()
    server.stop()


@pytest.mark.parametrize(
    ("address", "value", "field", "expected"),
    [
        ("strength", 0.5, "strength", 0.5),
        ("style", "two", "style", "two"),
        ("next", 1.0, "style", "two"),
        ("next", [], "style", "two"),
        ("mirror", 1, "mirror", True),
        ("rotation", 90.0, "rotation", 90),
        ("blend_with", "two", "blend_with", "two"),
        ("snapshot", 1, "snapshots", 1),
    ],
)
def test_a_datagram_changes_the_setting(osc, address, value, field, expected):
    box, client, said = osc
    client.send_message(f"/stylecam/{address}", value)
    wait_until(lambda: getattr(box.current, field) == expected)
    assert not said


def test_what_makes_no_sense_changes_nothing_and_is_told(osc):
    box, client, said = osc
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rude:
        for data in (b"", b"junk", b"/stylecam/next\0\0,f\0\0", b"/" * 5000):
            rude.sendto(data, ("127.0.0.1", client._port))
    client.send_message("/stylecam/strenght", 0.5)
    client.send_message("/stylecam/strength", 7.0)
    client.send_message("/stylecam/strength", [0.5, 0.5])
    client.send_message("/stylecam/next", 0)  # a button that is released
    client.send_message("/stylecam/quit", 1)
    wait_until(lambda: box.current.quit)
    assert box.current.style == "one"
    assert box.current.strength == 1
    assert "did you mean '/stylecam/strength'" in said[0]
    assert "from 0 to 1" in said[1]
    assert len(said) == 3


def test_every_verb_and_value_has_an_address():
    for name in VERBS:
        assert verb_of_osc(f"/stylecam/{name}", ()) is VERBS[name]
    for name in VALUES.keys() - VERBS.keys():
        with pytest.raises(UsageError, match="takes one value"):
            verb_of_osc(f"/stylecam/{name}", ())


def test_a_port_that_is_taken_is_told():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        server = OscServer(SettingsStore(START), port, host="127.0.0.1", say=print)
        with pytest.raises(UsageError, match=f"port {port} .* choose another with --osc"):
            server.start()
        server.stop()


def test_without_the_extra_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pythonosc.dispatcher", None)
    with pytest.raises(UsageError, match=r"not installed; pip install 'stylecam\[osc\]'"):
        OscServer(SettingsStore(START), 0, host="127.0.0.1", say=print).start()
