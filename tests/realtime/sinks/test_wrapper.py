"""What wraps a sink passes on everything that a sink may say."""

import pytest

from realtime.frames.frame import FrameFormat
from realtime.frames.size import Size
from realtime.sinks import Sink
from realtime.sinks.wrapper import SinkWrapper
from tests.realtime.fakes import FakeSink, make_frames

MEMBERS = sorted(name for name in {**vars(Sink), **Sink.__annotations__} if name[0] != "_")


class Outspoken(FakeSink):
    """Differs from every default."""

    url, has_viewers, close_timeout = "http://here/", False, 7.5

    def accepted_size(self, offered: Size) -> Size:
        return Size(offered.width // 2, offered.height // 2)


@pytest.mark.parametrize("name", MEMBERS)
def test_no_member_is_lost(name):
    wrapped = Outspoken("window", live=True, main_thread=True)
    own, passed = getattr(wrapped, name), getattr(SinkWrapper(wrapped), name)
    if not callable(own):
        assert passed == own
        return
    arguments = {
        "accepted_size": [Size(8, 6)],
        "open": [FrameFormat(8, 6, 30.0, live=True)],
        "write": make_frames(1),
    }
    assert passed(*arguments.get(name, [])) == own(*arguments.get(name, []))


def test_calls_arrive():
    wrapped = Outspoken()
    wrapper = SinkWrapper(wrapped)
    wrapper.open(FrameFormat(8, 6, 30.0, live=True))
    wrapper.write(make_frames(1)[0])
    wrapper.pump()
    wrapper.close()
    assert (wrapped.format.width, wrapped.indices) == (8, [0])
    assert (wrapped.pumps, wrapped.closes) == (1, 1)
