"""Every command of the pages on calls, kiosks and recording is run here, or marked there as not.

Each is run as it is written, in a folder and a home of its own. What a machine may lack stands in:
a PipeWire and a screen of the test's own, a scripted v4l2loopback, a script for systemctl.
"""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import pytest

from realtime.frames.views import placeholder
from tests.documented import blocks, commands
from tests.faults.scripted_virtual_camera import Journal, until
from tests.pipewire import MISSING, cameras, reader, started_pipewire
from tests.screen import SCREEN_HEIGHT, SCREEN_WIDTH, ShownWindow, screen
from tests.test_end_to_end import PATIENCE, STYLECAM, Stage, eventually, frames_of

DOCS = Path(__file__).parent.parent / "docs"
PAGES = [DOCS / f"{name}.md" for name in ("calls", "kiosk", "recording", "virtual-camera")]
RUN_HERE: set[str] = set()
KIOSK_HOME = "/home/kiosk"
SYSTEMCTL = """#!/bin/sh
case "$*" in *show*) echo ActiveState=active; echo SubState=running;; esac
"""

pytestmark = pytest.mark.skipif(
    not STYLECAM.exists(), reason="stylecam is not installed; pip install -e '.[dev]'"
)
needs_pipewire = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")


def documented(*lines: str) -> pytest.MarkDecorator:
    """The test runs these lines of the pages, one each time, as `line`."""
    RUN_HERE.update(lines)
    return pytest.mark.parametrize("line", lines)


def words(line: str) -> list[str]:
    """The command, of the stylecam that is tested."""
    program, *rest = shlex.split(line)
    assert program == "stylecam"
    return [str(STYLECAM), *rest]


@contextmanager
def running(stage: Stage, command: list[str]) -> "Iterator[subprocess.Popen[str]]":
    """A live run; it is ended as a terminal or systemd does, and must end well."""
    process = subprocess.Popen(
        command, cwd=stage.folder, env=stage.environment, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=PATIENCE)
        assert process.returncode in (0, 130), err
        assert "Traceback" not in err
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """Its user has a config of their own: a small generator, few pictures a second."""
    stage = Stage(tmp_path)
    stage.environment["OMP_NUM_THREADS"] = "1"
    own = tmp_path / "home" / "config" / "stylecam"
    own.mkdir(parents=True)
    settings = f"style: {{name: {stage.style}}}\nsource: {{fps: 10}}\n"
    (own / "config.yaml").write_text(settings)
    return stage


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_is_run_here_or_marked(page: Path):
    found = commands(page)
    assert found
    for line, marked in found:
        assert marked != (line in RUN_HERE), f"{page.name}: {line}: run or marked, not both"


def test_no_command_is_run_that_no_page_has():
    assert {line for page in PAGES for line, _ in commands(page)} >= RUN_HERE


@screen
@documented(
    "stylecam run --sink window --sink file:out.mp4",
    "stylecam run --microphone default --sink window --sink file:out.mp4",
)
def test_a_window_and_a_file(line: str, stage: Stage, display: str):
    if "--microphone" in line:
        pytest.importorskip("miniaudio")
    stage.environment["DISPLAY"] = display
    out = stage.folder / "out.mp4"
    with running(stage, words(line)) as process:
        eventually(lambda: out.exists() and out.stat().st_size > 50_000, process)
        ShownWindow(display, "stylecam").search()
    assert len(frames_of(out)) > 1
    with av.open(str(out)) as container:
        assert len(container.streams.audio) == ("--microphone" in line)


@documented("stylecam stylize holiday.mp4")
def test_a_video_with_its_sound(line: str, stage: Stage):
    with av.open(str(stage.folder / "holiday.mp4"), "w") as output:
        video, sound = output.add_stream("mpeg4", rate=10), output.add_stream("aac", rate=48_000)
        video.width, video.height, video.pix_fmt = 160, 120, "yuv420p"
        for index in range(5):
            rgb = np.full((120, 160, 3), 40 * index, np.uint8)
            output.mux(video.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
            silence = av.AudioFrame.from_ndarray(
                np.zeros((2, 4800), np.float32), format="fltp", layout="stereo"
            )
            silence.sample_rate = 48_000
            output.mux(sound.encode(silence))
        output.mux(video.encode(None))
        output.mux(sound.encode(None))
    done = stage.run(*words(line)[1:])
    assert done.returncode == 0, done.stderr
    [painted] = {*stage.folder.rglob("*.mp4")} - {stage.folder / "holiday.mp4"}
    assert len(frames_of(painted)) == 5
    with av.open(str(painted)) as container:
        assert len(container.streams.audio) == 1


@pytest.fixture(scope="module")
def pipewire() -> Iterator[dict[str, str]]:
    with started_pipewire() as own:
        yield own


@screen
@needs_pipewire
@documented(
    "stylecam run --sink virtual-camera --sink window --size 1280x720",
    "stylecam run --sink virtual-camera:pipewire",
)
def test_a_call(line: str, stage: Stage, display: str, pipewire: dict[str, str]):
    stage.environment |= pipewire
    stage.environment["DISPLAY"] = display
    width, height = (1280, 720) if "1280x720" in line else (640, 480)
    card = placeholder(height, width, "starting").astype(int)
    out = stage.folder / "read.rgb"

    def painting_is_read() -> bool:
        """By another program, in the camera's size, and no card."""
        read = reader(f"filesink location={out}", count=2)
        subprocess.run(read, env=stage.environment, capture_output=True, check=True)
        pictures = np.frombuffer(out.read_bytes(), np.uint8)
        newest = pictures.reshape(-1, height, width, 3)[-1]
        return bool(np.abs(newest - card).mean() > 10)

    with running(stage, words(line)) as process:
        eventually(lambda: cameras(stage.environment), process)
        eventually(painting_is_read, process)
        if "window" in line:
            ShownWindow(display, "stylecam").search()


@documented("stylecam run --sink virtual-camera:/dev/video4")
@pytest.mark.skipif(sys.platform != "linux", reason="a device of Linux")
def test_a_device_with_a_name(line: str, stage: Stage, tmp_path: Path):
    if Path("/dev/video4").exists():
        pytest.skip("this machine has such a device")
    journal = Journal(tmp_path, stage.environment.__setitem__)
    starting = zlib.crc32(placeholder(480, 640, "starting"))
    with running(stage, words(line)) as process:
        eventually(lambda: journal.newest() not in (0, starting), process)
    assert {tuple(entry.words[:2]) for entry in journal.opened()} == {("640", "480")}


@documented("stylecam doctor --fix")
def test_the_doctor_mends_nothing_that_is_refused(line: str, stage: Stage):
    process = stage.start(*words(line)[1:], stdin=subprocess.PIPE)
    out, err = process.communicate("n\n" * 20, timeout=PATIENCE)
    assert process.returncode == 0, err
    assert "virtual camera" in out
    assert "nothing was changed" in out


ACTIVATE, DOCTOR = ". .venv/bin/activate", "stylecam doctor"
RUN_HERE.update((ACTIVATE, DOCTOR))


def test_the_environment_is_activated_and_the_doctor_asked(stage: Stage):
    (stage.folder / ".venv").symlink_to(sys.prefix)
    if not (stage.folder / ".venv" / "bin" / "activate").exists():
        pytest.skip("this Python is in no virtual environment")
    done = subprocess.run(
        ["sh", "-c", f"{ACTIVATE}\n{DOCTOR}"],
        cwd=stage.folder, env=stage.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "virtual camera" in done.stdout


@pytest.mark.skipif(shutil.which("xset") is None, reason="xset is not installed")
@screen
@documented("xset s off -dpms")
def test_the_screen_saver_is_switched_off(line: str, display: str):
    environment = os.environ | {"DISPLAY": display}
    subprocess.run(shlex.split(line), env=environment, check=True, capture_output=True)
    told = subprocess.run(
        ["xset", "q"], env=environment, check=True, capture_output=True, text=True
    ).stdout
    assert "timeout:  0 " in told
    subprocess.run(["xset", "s", "default"], env=environment, check=True)


@pytest.fixture
def kiosk(stage: Stage, display: str) -> Stage:
    """With the config of the page in the place of /home/kiosk, a screen, and the stand-in."""
    [config] = blocks(DOCS / "kiosk.md", "yaml")
    (stage.folder / "kiosk.yaml").write_text(config)
    (stage.folder / "bin").mkdir()
    systemctl = stage.folder / "bin" / "systemctl"
    systemctl.write_text(SYSTEMCTL)
    systemctl.chmod(0o755)
    stage.environment["PATH"] = os.pathsep.join([str(systemctl.parent), os.environ["PATH"]])
    stage.environment["DISPLAY"] = display
    return stage


INSTALL = "stylecam service install --config /home/kiosk/kiosk.yaml"
STATUS, REMOVE = "stylecam service status", "stylecam service remove"
RUN_HERE.update((INSTALL, STATUS, REMOVE))


@screen
@pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")
def test_a_kiosk_is_installed_starts_full_screen_and_is_removed(kiosk: Stage):
    installed = kiosk.run(*words(INSTALL.replace(KIOSK_HOME, str(kiosk.folder)))[1:])
    assert installed.returncode == 0, installed.stderr
    [unit] = (kiosk.folder / "home").rglob("stylecam.service")
    [start] = [x for x in unit.read_text().splitlines() if x.startswith("ExecStart=")]
    with running(kiosk, shlex.split(start.removeprefix("ExecStart="))):
        window = ShownWindow(kiosk.environment["DISPLAY"], "stylecam")
        window.search()
        until(lambda: window.picture().shape == (SCREEN_HEIGHT, SCREEN_WIDTH, 3))
    status = kiosk.run(*words(STATUS)[1:])
    assert (status.returncode, status.stdout) == (0, "active (running)\n")
    assert kiosk.run(*words(REMOVE)[1:]).returncode == 0
    assert not unit.exists()
