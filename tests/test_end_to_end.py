"""The main job as users run it: real processes, real files, real signals."""

import contextlib
import os
import pty
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from subprocess import CompletedProcess

import av
import cv2
import numpy as np
import pytest

from tests.fakes import write_style

STYLECAM = Path(sysconfig.get_path("scripts")) / "stylecam"
VTEST = Path("/usr/share/doc/opencv-doc/examples/data/vtest.avi")
PATIENCE = 60.0

pytestmark = pytest.mark.skipif(
    not STYLECAM.exists(), reason="stylecam is not installed; pip install -e '.[dev]'"
)


class Stage:
    """A folder of its own with a style in it, and a user's home that nobody else has."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.style = write_style(folder / "swap.onnx").path
        own = {"HOME": str(folder / "home"), "COLUMNS": "200"}
        for name in ("DATA", "CONFIG", "CACHE"):
            own[f"XDG_{name}_HOME"] = str(folder / "home" / name.lower())
        (folder / "home").mkdir()
        kept = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
        self.environment = kept | own

    def start(self, *words: object, **options: object) -> "subprocess.Popen[str]":
        """`stylecam words…` in the folder, both outputs piped."""
        piped = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(
            [str(STYLECAM), *map(str, words)],
            cwd=self.folder,
            env=self.environment,
            **(piped | options),  # type: ignore[call-overload]
        )

    def run(self, *words: object) -> "CompletedProcess[str]":
        process = self.start(*words)
        try:
            out, err = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
        return CompletedProcess(process.args, process.returncode, out, err)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def eventually(condition: Callable[[], object], process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert process.poll() is None, f"ended with {process.returncode}"
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def frames_of(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def playable_frames(path: Path) -> int:
    """How many frames a player shows of a file that may end in the middle of one."""
    count = 0
    with av.open(str(path)) as container, contextlib.suppress(av.InvalidDataError):
        for _ in container.decode(video=0):
            count += 1
    return count


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 frames of a street from OpenCV's own sample video, or drawn ones where it is missing."""
    path = tmp_path_factory.mktemp("clip") / "clip.avi"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 768, 576, "yuv420p"
        stream.codec_context.qscale, stream.codec_context.global_quality = True, 118 * 2
        for index, rgb in enumerate(street()):
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            frame.pts = index
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def street() -> Iterator[np.ndarray]:
    if VTEST.is_file():
        with av.open(str(VTEST)) as container:
            for index, frame in enumerate(container.decode(video=0)):
                if index == 40:
                    return
                yield frame.to_ndarray(format="rgb24")
        return
    for index in range(40):
        rgb = np.full((576, 768, 3), (40, 90, 160), np.uint8)
        rgb[200:300, 10 * index : 10 * index + 80] = (230, 40, 60)
        yield rgb


@pytest.fixture(scope="module")
def painted(tmp_path_factory: pytest.TempPathFactory, clip: Path) -> Path:
    """What a run makes of the clip."""
    stage = Stage(tmp_path_factory.mktemp("painted"))
    done = stage.run("run", "--source", clip, "--sink", "file:out.mp4", "--style", stage.style)
    assert done.returncode == 0, done.stderr
    return stage.folder / "out.mp4"


def test_a_video_comes_out_painted_with_every_frame_at_its_time(clip: Path, painted: Path):
    with av.open(str(painted)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, stream.frames) == (768, 576, 40)
        assert stream.average_rate == 10
        times = [round(float(frame.time), 3) for frame in container.decode(video=0)]
    assert times == [round(0.1 * index, 3) for index in range(40)]
    before, after = frames_of(clip)[20], frames_of(painted)[20]
    # The style exchanges red and blue; two lossy encoders lie between.
    assert np.abs(before[..., ::-1].astype(int) - after).mean() < 6
    assert np.abs(before.astype(int) - after).mean() > 6


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe is not installed")
def test_ffprobe_agrees_on_the_recording(painted: Path):
    probe = ["ffprobe", "-v", "error", "-count_frames", "-select_streams", "v:0", "-of", "csv=p=0"]
    probe += ["-show_entries", "stream=width,height,r_frame_rate,nb_read_frames,duration"]
    said = subprocess.run([*probe, str(painted)], capture_output=True, text=True, check=True)
    width, height, rate, duration, frames = said.stdout.strip().split(",")
    assert (width, height, rate, frames) == ("768", "576", "10/1", "40")
    assert float(duration) == pytest.approx(4.0)


def test_several_outputs_get_the_same_frames(stage: Stage, clip: Path):
    done = stage.run(
        "run", "--source", clip, "--style", stage.style, "--frames", 5,
        "--sink", "a.mkv", "--sink", "image:stills/", "--sink", "null",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(frames_of(stage.folder / "a.mkv")) == 5
    assert len(list((stage.folder / "stills").glob("*.png"))) == 5


def test_without_camera_and_display_it_says_so_and_serves_the_demo(stage: Stage):
    if Path("/sys/class/video4linux").is_dir():
        pytest.skip("this machine has a camera")
    done = stage.run("run", "--style", stage.style, "--frames", 10)
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    assert "no camera found" in said
    assert "no display" in said
    assert "http://127.0.0.1:" in said
    assert "source: demo, 640x480, 30 frames/s" in said


def test_a_killed_recording_can_be_played(stage: Stage):
    process = stage.start(
        "run", "--source", "demo", "--sink", "file:out.mp4", "--style", stage.style
    )
    out = stage.folder / "out.mp4"
    eventually(lambda: out.exists() and out.stat().st_size > 300_000, process)
    process.kill()
    process.communicate()
    assert playable_frames(out) > 20


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_the_recording_finished(stage: Stage, number: signal.Signals):
    process = stage.start(
        "run", "--source", "demo", "--sink", "file:out.mp4", "--style", stage.style
    )
    out = stage.folder / "out.mp4"
    eventually(lambda: out.exists() and out.stat().st_size > 50_000, process)
    process.send_signal(number)
    process.send_signal(number)  # as programs do that signal a process and its group
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert err.splitlines()[-1] == "interrupted: the outputs hold what was painted so far"
    assert "Traceback" not in err
    # A plain file with its index in front: it was finished, not just cut off.
    assert b"moof" not in out.read_bytes()
    assert len(frames_of(out)) > 5
    assert not list(stage.folder.glob("*.partial"))


def restore_sighup() -> None:
    """In the child: under nohup, SIGHUP is handed down as ignored, and stylecam heeds that."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def test_a_terminal_that_closes_ends_it_with_the_recording_finished(stage: Stage):
    leader, follower = pty.openpty()
    process = stage.start(
        "run", "--source", "demo", "--sink", "file:out.mp4", "--style", stage.style, "--verbose",
        stdin=follower, stdout=follower, stderr=follower, start_new_session=True,
        preexec_fn=restore_sighup,
    )  # fmt: skip
    os.close(follower)
    out = stage.folder / "out.mp4"
    eventually(lambda: out.exists() and out.stat().st_size > 50_000, process)
    os.close(leader)
    process.send_signal(signal.SIGHUP)
    assert process.wait(timeout=PATIENCE) == 130
    assert b"moof" not in out.read_bytes()
    assert len(frames_of(out)) > 5


def test_messages_that_nobody_reads_do_not_end_the_run(stage: Stage):
    process = stage.start(
        "run", "--source", "demo", "--sink", "file:out.mp4", "--style", stage.style,
        "--frames", 40, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stderr is not None
    process.stderr.close()
    assert process.wait(timeout=PATIENCE) == 0
    assert len(frames_of(stage.folder / "out.mp4")) == 40


def test_keys_in_the_terminal_take_a_snapshot_record_and_quit(stage: Stage):
    leader, follower = pty.openpty()
    process = stage.start(
        "run", "--source", "demo", "--sink", "web", "--style", stage.style,
        stdin=follower, start_new_session=True,
    )  # fmt: skip
    os.close(follower)
    home = stage.folder / "home"
    try:
        # Keys typed before it listens would be lost: the mode of the terminal tells.
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("sink:"):
                break
        press_until(leader, b"x", lambda: list(home.rglob("*.png")), process)
        press_until(leader, b"r", lambda: list(home.rglob("*.mp4")), process)
        os.write(leader, b"q")
        _, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        os.close(leader)
    assert process.returncode == 0, err
    assert "snapshot: " in err
    assert "recording: " in err
    for recording in home.rglob("*.mp4"):
        assert len(frames_of(recording)) >= 1


def press_until(
    leader: int, key: bytes, seen: Callable[[], object], process: "subprocess.Popen[str]"
) -> None:
    """One key; the file that it makes may take its time."""
    time.sleep(0.3)
    os.write(leader, key)
    eventually(seen, process)


class DyingStream(BaseHTTPRequestHandler):
    """A camera on the network (MJPEG) that is gone after 30 pictures."""

    served = 0

    def do_GET(self) -> None:
        if DyingStream.served:
            self.send_error(503)
            return
        DyingStream.served = 1
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        for index in range(30):
            picture = np.full((120, 160, 3), 8 * index, np.uint8)
            data = cv2.imencode(".jpg", picture)[1].tobytes()
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
            self.wfile.write(head.encode() + data + b"\r\n")
            time.sleep(0.02)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def stream() -> Iterator[str]:
    DyingStream.served = 0
    server = HTTPServer(("127.0.0.1", 0), DyingStream)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/live.mjpg"
    server.shutdown()
    server.server_close()


def test_a_camera_that_is_gone_for_good_is_told_and_the_recording_is_kept(
    stage: Stage, stream: str
):
    (stage.folder / "config.yaml").write_text("source:\n  reconnect: 600 ms\n")
    done = stage.run(
        "run", "--config", "config.yaml", "--source", stream, "--sink", "file:out.mp4",
        "--style", stage.style,
    )  # fmt: skip
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(f"stylecam: {stream}: ")
    assert "retrying for 0.6 s" in done.stderr
    assert "Traceback" not in done.stderr
    assert frames_of(stage.folder / "out.mp4")


def fill_disk(stage: Stage) -> list[object]:
    """A recording onto a device that is full."""
    (stage.folder / "full.mkv").symlink_to("/dev/full")
    return ["run", "--source", "demo", "--sink", "full.mkv", "--force", "--style", stage.style]


def damage(stage: Stage) -> list[object]:
    stage.style.write_bytes(stage.style.read_bytes()[:-40])
    return ["run", "--source", "demo", "--sink", "null", "--style", stage.style]


def no_video(stage: Stage) -> list[object]:
    (stage.folder / "notes.mp4").write_text("these are words")
    return ["run", "--source", "notes.mp4", "--sink", "null", "--style", stage.style]


def words(*given: object) -> Callable[[Stage], list[object]]:
    """`run` with a good style, source and sink, then what is wrong."""
    good = {"--style": None, "--source": "demo", "--sink": "null"}
    return lambda stage: [
        "run",
        *(
            x
            for name, value in good.items()
            if name not in given
            for x in (name, value or stage.style)
        ),
        *given,
    ]


REFUSED = {
    "none.mp4: no such file": (words("--source", "none.mp4"), 2),
    "notes.mp4: neither a picture nor a video": (no_video, 1),
    "unknown style 'stary-night'": (words("--style", "stary-night"), 2),
    "/proc/out.mp4: cannot be written": (words("--sink", "file:/proc/out.mp4"), 2),
    "--size: width and height must be more than 0": (words("--size", "0x0"), 2),
    "a.webm: .webm cannot hold H.264": (words("--sink", "file:a.webm", "--codec", "h264"), 2),
    "camera 99: no such camera": (words("--source", "99"), 2),
    "swap.onnx: damaged": (damage, 1),
    "full.mkv: recording stopped": (fill_disk, 1),
    "--fsp": (words("--fsp", "30"), 2),
}


@pytest.fixture(scope="module")
def refusals(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, "Future[CompletedProcess[str]]"]]:
    """A run for each bad input, as many at a time as there are cores."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:

        def begun(prepare: Callable[[Stage], list[object]]) -> "Future[CompletedProcess[str]]":
            stage = Stage(tmp_path_factory.mktemp("stage"))
            return pool.submit(stage.run, *prepare(stage))

        yield {message: begun(prepare) for message, (prepare, _) in REFUSED.items()}


@pytest.mark.parametrize("message", REFUSED)
def test_bad_input_gets_one_line_and_its_exit_code(refusals, message: str):
    if message.startswith("camera 99") and Path("/dev/video99").exists():
        pytest.skip("there is a camera 99 here")
    _, code = REFUSED[message]
    done = refusals[message].result()
    assert done.returncode == code, done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("stylecam: ")]
    assert len(said) == 1, done.stderr
    assert message in said[0]
    assert "Traceback" not in done.stderr + done.stdout


SCREEN = [tool for tool in ("Xvfb", "xdotool") if shutil.which(tool) is None]


@pytest.mark.skipif(bool(SCREEN), reason=f"not installed: {', '.join(SCREEN)}")
@pytest.mark.skipif(sys.platform != "linux", reason="Xvfb is for Linux")
def test_the_window_obeys_keys(stage: Stage, display: str):
    stage.environment["DISPLAY"] = display
    process = stage.start("run", "--source", "demo", "--style", stage.style)
    home = stage.folder / "home"

    def xdotool(*given: str) -> str:
        done = subprocess.run(
            ["xdotool", *given],
            env=stage.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        return done.stdout

    try:
        found = xdotool("search", "--sync", "--onlyvisible", "--name", "^stylecam$")
        window = found.split()[-1]
        xdotool("windowfocus", "--sync", window)
        xdotool("key", "--window", window, "x")
        eventually(lambda: list(home.rglob("*.png")), process)
        xdotool("key", "--window", window, "q")
        _, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert "sink: window" in err
