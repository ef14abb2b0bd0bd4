"""The newest notice, and for how long the window shows it."""

from realtime.control.notices import SHOWN, Notices


def test_the_newest_is_kept_counted_and_shown_for_a_while():
    now = 100.0
    notices = Notices(clock=lambda: now)
    assert notices.newest is notices.shown is None
    notices.post("no room")
    notices.post("no room")
    assert notices.newest == (2, "no room")
    assert notices.shown == "no room"
    now += SHOWN + 0.1
    assert notices.shown is None
    assert notices.newest == (2, "no room")
