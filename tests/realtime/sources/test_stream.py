import functools
import http.server
import itertools
import socket
import threading
import time

import av
import cv2
import numpy as np
import pytest

from models.errors import SourceFault
from realtime.build import build
from realtime.config.schema import Config, overridden
from realtime.sources import EndOfSource, stream
from realtime.sources.stream import Stream, without_password
from tests.fakes import write_style
from tests.realtime.media import (
    PICTURES,
    SOUND,
    difference,
    ffmpeg,
    heard,
    lag,
    needs_ffmpeg,
    shown,
)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


class MotionJpeg(http.server.BaseHTTPRequestHandler):
    """Sends 30 pictures as an IP camera does, then hangs up."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        for i in range(30):
            picture = np.full((48, 64, 3), (10, 20, 100 + 3 * i), np.uint8)
            data = cv2.imencode(".jpg", picture)[1].tobytes()
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
            self.wfile.write(head.encode() + data + b"\r\n")
            time.sleep(0.01)

    def log_message(self, *args):
        pass


@pytest.fixture
def serve():
    """Start a web server with the handler given; the address of its root."""
    servers = []

    def start(handler):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_file_on_a_web_server_comes_whole_with_its_own_times(make_clip, serve):
    clip = make_clip("clip.mkv")
    address = serve(functools.partial(Quiet, directory=clip.parent))
    source = Stream(f"{address}/clip.mkv", paced=False)
    given = source.open()
    assert (given.width, given.height, given.live) == (64, 48, False)
    frames = [source.read() for _ in range(12)]
    assert [frame.timestamp for frame in frames] == pytest.approx(
        [i / 10 for i in range(12)], abs=0.002
    )
    with pytest.raises(EndOfSource):
        source.read()
    source.close()


def test_a_file_on_a_web_server_is_painted_whole_into_a_file(make_clip, serve, tmp_path):
    clip, out = make_clip("clip.mkv"), tmp_path / "out.mkv"
    address = serve(functools.partial(Quiet, directory=clip.parent))
    style = write_style(tmp_path / "swap.onnx").path
    given = {"style.name": str(style), "source.input": f"{address}/clip.mkv", "sinks": [str(out)]}
    composition = build(overridden(Config(), given, {}), on_message=print)
    composition.pipeline.start()
    composition.pipeline.run()
    with av.open(str(out)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 12


@needs_ffmpeg
def test_the_sound_of_a_video_on_a_web_server_is_recorded_in_step(serve, tmp_path):
    source, out = tmp_path / "in.mp4", tmp_path / "out.mp4"
    ffmpeg(PICTURES, SOUND, "-c:v libx264 -pix_fmt yuv420p -c:a aac", source)
    address = serve(functools.partial(Quiet, directory=tmp_path))
    given = {"source.input": f"{address}/in.mp4", "sinks": [str(out)], "style.strength": 0.0}
    composition = build(overridden(Config(), given, {}), on_message=print)
    composition.pipeline.start()
    composition.pipeline.run()
    assert difference(shown(source), shown(out)) < 2
    assert abs(lag(heard(source), heard(out))) <= 0.02
    assert len(heard(out)) == pytest.approx(len(heard(source)), abs=400)


def test_a_live_stream_gives_frames_as_they_come_and_its_end_is_a_fault(serve):
    source = Stream(f"{serve(MotionJpeg)}/camera", paced=False)
    given = source.open()
    assert given.live
    assert given.frame_count is None
    frames = []
    with pytest.raises(SourceFault, match=r"stopped .*; is its sender still on\?") as caught:
        while True:
            frames.append(source.read())
    assert "\n" not in str(caught.value)
    assert 28 <= len(frames) <= 30  # the last one may be lost with the connection
    assert np.abs(frames[0].rgb[5, 5].astype(int) - (100, 20, 10)).max() < 8
    assert all(a.timestamp <= b.timestamp for a, b in itertools.pairwise(frames))

    source.open()
    again = source.read()
    assert again.index == len(frames)
    assert again.timestamp > frames[-1].timestamp
    source.close()


def test_a_sender_that_says_nothing_is_given_up(monkeypatch):
    monkeypatch.setattr(stream, "TIMEOUT", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/camera"
        with pytest.raises(SourceFault, match="cannot be opened"):
            Stream(url, paced=True).open()


def test_a_sender_that_falls_silent_is_a_fault(monkeypatch, serve):
    monkeypatch.setattr(stream, "TIMEOUT", 0.5)
    over = threading.Event()

    class Silent(MotionJpeg):
        def do_GET(self):
            super().do_GET()
            over.wait(30)

    source = Stream(f"{serve(Silent)}/camera", paced=True)
    source.open()
    frames = 0
    with pytest.raises(SourceFault, match="stopped"):
        while True:
            source.read()
            frames += 1
    assert frames >= 28
    over.set()
    source.close()


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_nobody_there_is_one_clear_line_without_the_password(scheme):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(SourceFault) as caught:
        Stream(f"{scheme}://user:secret@127.0.0.1:{port}/x", paced=False).open()
    message = str(caught.value)
    assert message.startswith(f"{scheme}://127.0.0.1:{port}/x: cannot be opened")
    assert "secret" not in message
    assert "\n" not in message


def test_a_page_that_is_missing_is_a_fault(serve, tmp_path):
    address = serve(functools.partial(Quiet, directory=tmp_path))
    with pytest.raises(SourceFault, match=r"nothing\.mp4: cannot be opened"):
        Stream(f"{address}/nothing.mp4", paced=False).open()


def test_close_does_not_wait_for_a_blocked_read(serve):
    over = threading.Event()

    class Silent(MotionJpeg):
        def do_GET(self):
            super().do_GET()
            over.wait(30)

    source = Stream(f"{serve(Silent)}/camera", paced=False)
    source.open()
    ended = threading.Event()

    def read_all() -> None:
        with pytest.raises((EndOfSource, SourceFault)):
            while True:
                source.read()
        ended.set()

    reader = threading.Thread(target=read_all)
    reader.start()
    time.sleep(0.6)
    source.close()
    assert not ended.is_set()  # it returned while the read was still blocked
    over.set()
    assert ended.wait(20)
    reader.join()


def test_only_the_password_is_left_out():
    assert without_password("rtsp://u:p@cam/x?y=a@b") == "rtsp://cam/x?y=a@b"
    assert without_password("rtsp://admin:p@ss@10.0.0.5/s") == "rtsp://10.0.0.5/s"
    assert without_password("http://cam:80/x") == "http://cam:80/x"


def write_index_first(path):
    """Noise, so that a picture is large; the index stands before the pictures."""
    random = np.random.default_rng(0)
    with av.open(str(path), "w", options={"movflags": "faststart"}) as output:
        video = output.add_stream("libx264", rate=30, options={"preset": "ultrafast", "crf": "1"})
        video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
        for _ in range(12):
            picture = random.integers(0, 256, (240, 320, 3), np.uint8)
            output.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        output.mux(video.encode(None))


def test_a_sender_that_stalls_before_the_first_picture_is_a_fault_that_may_pass(
    monkeypatch, tmp_path, serve
):
    monkeypatch.setattr(stream, "TIMEOUT", 0.5)
    write_index_first(tmp_path / "clip.mp4")
    data = (tmp_path / "clip.mp4").read_bytes()
    over = threading.Event()

    class Stalled(MotionJpeg):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[:3000])  # the index and the beginning of a picture
            self.wfile.flush()
            over.wait(30)

    host = serve(Stalled).removeprefix("http://")
    with pytest.raises(SourceFault, match="stopped") as caught:
        Stream(f"http://user:secret@{host}/clip.mp4", paced=False).open()
    over.set()
    assert "secret" not in str(caught.value)


def test_a_picture_over_http_is_a_picture(serve, tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((48, 64, 3), 90, np.uint8))
    address = serve(functools.partial(Quiet, directory=str(tmp_path)))
    source = Stream(f"{address}/a.png", paced=False)
    opened = source.open()
    assert (opened.frame_count, opened.live) == (1, False)
    assert (source.read().rgb == 90).all()
    with pytest.raises(EndOfSource):
        source.read()
    source.close()


def test_a_picture_over_http_is_fetched_again_for_who_watches(serve, tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "STILL_SECONDS", 0.1)
    cv2.imwrite(str(tmp_path / "a.png"), np.full((48, 64, 3), 90, np.uint8))
    address = serve(functools.partial(Quiet, directory=str(tmp_path)))
    source = Stream(f"{address}/a.png", paced=True)
    assert source.open().fps == pytest.approx(10)
    assert (source.read().rgb == 90).all()
    cv2.imwrite(str(tmp_path / "a.png"), np.full((48, 64, 3), 180, np.uint8))
    assert (source.read().rgb == 180).all()
    source.close()
