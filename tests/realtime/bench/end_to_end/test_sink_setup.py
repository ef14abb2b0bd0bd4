"""The sinks of a trial: which there are, who looks on, what they are opened for."""

import os

import numpy as np
import pytest

from models.errors import UsageError
from realtime.bench.end_to_end.sink_setup import SINKS, LiveFormatSink, parse_sinks, sink_of
from realtime.frames.frame import Frame, FrameFormat
from realtime.sinks.recording.recorder import Recorder

FORMAT = FrameFormat(64, 48, 30, live=False)


def test_names_by_commas_are_sinks():
    assert parse_sinks("null, web") == ["null", "web"]


def test_an_unknown_sink_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match="unknown sink 'fiel'; did you mean 'file'"):
        parse_sinks("null,fiel")


@pytest.mark.skipif(os.name == "nt", reason="Windows always has a display")
def test_a_window_without_a_display_is_refused_before_anything_is_measured(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(UsageError, match="sink window: there is no display here"):
        parse_sinks("window")


@pytest.mark.parametrize("name", sorted(SINKS.keys() - {"window"}))
def test_every_sink_takes_frames_and_leaves_nothing_behind(name, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with sink_of(name) as sink:
        sink.open(FORMAT)
        for i in range(3):
            sink.write(Frame(np.full((48, 64, 3), 90, np.uint8), i, 0.0, i / 30))
        sink.close()
        sink.close()
    assert list(tmp_path.iterdir()) == []


def test_the_web_sink_is_watched():
    with sink_of("web") as sink:
        sink.open(FORMAT)
        try:
            assert sink.has_viewers
        finally:
            sink.close()


def test_a_recorder_is_opened_as_in_a_live_run(tmp_path):
    opened = []

    class Listening(Recorder):
        def open(self, frames: FrameFormat) -> None:
            opened.append(frames)

    LiveFormatSink(Listening(tmp_path / "out.mp4")).open(FORMAT)
    assert opened == [FrameFormat(64, 48, 30, live=True)]
