import os
import threading
from contextlib import suppress

import pytest

from models.errors import SourceFault
from realtime.sources import EndOfSource
from realtime.sources.decoding import pipe as pipes
from realtime.sources.decoding.pipe import KeptVideo, Pipe, index_comes_last
from realtime.sources.video_file import VideoFile
from tests.realtime.media import PICTURES, ffmpeg, needs_ffmpeg


def piped(data):
    """A pipe that gives `data`, as slowly as a thread writes it."""
    reading, writing = os.pipe()

    def write():
        # A reader that refuses the video closes the pipe.
        with suppress(BrokenPipeError), os.fdopen(writing, "wb", buffering=0) as file:
            for at in range(0, len(data), 1000):
                file.write(data[at : at + 1000])

    threading.Thread(target=write, daemon=True).start()
    return Pipe(reading)


def box(kind, size):
    return (size + 8).to_bytes(4, "big") + kind + bytes(size)


@pytest.mark.parametrize(
    ("data", "last"),
    [
        (box(b"ftyp", 24) + box(b"free", 0) + box(b"mdat", 9000), True),
        (box(b"wide", 0) + box(b"mdat", 10), True),
        (box(b"ftyp", 24) + box(b"moov", 5000) + box(b"mdat", 9000), False),
        (b"\x1aE\xdf\xa3" + bytes(3000), False),
        (b"", False),
        (b"ftyp", False),
        (box(b"ftyp", 24)[:4] + b"ftyp", False),
    ],
)
def test_where_the_index_is_and_that_nothing_is_lost(data, last):
    pipe = piped(data)
    assert index_comes_last(pipe) is last
    found = b""
    while more := pipe.read(700):
        found += more
    assert found == data


def test_a_video_too_large_for_the_disk_is_refused(monkeypatch):
    monkeypatch.setattr(pipes, "MOST_OF_DISK", 1e-12)
    with pytest.raises(SourceFault, match=r"clip: its index comes last, and .* the file itself"):
        KeptVideo(piped(bytes(100_000)), name="clip")


@needs_ffmpeg
@pytest.mark.parametrize(("flags", "kept"), [("", True), ("-movflags faststart", False)])
def test_an_mp4_comes_through_a_named_pipe_wherever_its_index_is(tmp_path, flags, kept, caplog):
    file, fifo = tmp_path / "in.mp4", tmp_path / "fifo"
    ffmpeg(PICTURES, "-c:v libx264 -bf 2", flags, file)
    os.mkfifo(fifo)
    threading.Thread(target=lambda: fifo.write_bytes(file.read_bytes()), daemon=True).start()
    source, plain = VideoFile(fifo, paced=False), VideoFile(file, paced=False)
    source.open()
    plain.open()
    for _ in range(20):
        ours, theirs = source.read(), plain.read()
        assert (ours.rgb == theirs.rgb).all()
        assert ours.timestamp == pytest.approx(theirs.timestamp)
    with pytest.raises(EndOfSource):
        source.read()
    source.close()
    plain.close()
    assert ("fifo: its index comes last; it is read to the end first" in caplog.text) is kept
