"""Sound of scripted microphones in recordings: in step, without gaps, and never in their way."""

import io
import shutil
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest

from models.errors import SinkFault, UsageError
from realtime.frames.frame import Frame, FrameFormat
from realtime.sinks.recording.microphone import device as device_module
from realtime.sinks.recording.microphone import microphone as microphone_module
from realtime.sinks.recording.microphone.arrival_clock import RATE, ArrivalClock
from realtime.sinks.recording.microphone.microphone import Chunk, Microphone
from realtime.sinks.recording.microphone.sound_track import MicrophoneTrack
from realtime.sinks.recording.recorder import Recorder
from realtime.sinks.recording.split_recorder import SplitRecorder
from realtime.sinks.recording.video.containers import CONTAINERS
from tests.realtime.fakes import wait_until

BEGIN = 1000.0
"""The scripted time.monotonic() at which pictures and sound begin."""
CHUNK = RATE // 50
FPS = 15


class ScriptedDevice:
    """Gives chunks at the times of the script; an exception in it is raised."""

    def __init__(self, script: list[tuple[float, bytes] | Exception]) -> None:
        self.script, self.closed = list(script), False

    def read(self, timeout: float) -> tuple[float, bytes] | None:
        if not self.script:
            time.sleep(0.01)
            return None
        step = self.script.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    def close(self) -> None:
        self.closed = True


def heard(
    seconds: float, tone: tuple[float, float], *, drift: float = 0.0, begin: float = 0.0
) -> list[tuple[float, bytes]]:
    """Chunks of a device whose clock goes wrong by `drift`, late by chance; 1 kHz within `tone`."""
    random = np.random.default_rng(4)
    taken = begin + np.arange(round(seconds * RATE)) / (RATE * (1 + drift))
    wave = 12000 * np.sin(2 * np.pi * 1000 * taken) * (tone[0] <= taken) * (taken < tone[1])
    stereo = np.repeat(wave.astype(np.int16)[:, None], 2, axis=1)
    chunks = []
    for first in range(0, len(taken) - CHUNK, CHUNK):
        late = random.choice([0.0, 0.002, 0.03])
        arrived = BEGIN + taken[first + CHUNK - 1] + late
        chunks.append((float(arrived), stereo[first : first + CHUNK].tobytes()))
    return chunks


def pictures(seconds: float, flash: tuple[float, float] = (9.9, 9.9)) -> list[Frame]:
    times = [i / FPS for i in range(round(seconds * FPS))]
    return [
        Frame(
            np.full((48, 64, 3), 240 if flash[0] <= at < flash[1] else 10, np.uint8),
            i,
            BEGIN + at,
            at + 3.0,  # the source's own time line
        )
        for i, at in enumerate(times)
    ]


def record(recorder, device: ScriptedDevice, frames: list[Frame]) -> None:
    recorder.open(FrameFormat(64, 48, FPS, live=True))
    wait_until(lambda: not device.script)
    time.sleep(0.05)  # the last chunk is on its way
    for frame in frames:
        recorder.write(frame)
    recorder.close()


def sound_of(path: Path) -> np.ndarray:
    """Mono, -1 to 1, from the file's 0 on."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("fltp", "mono", RATE)
        frames = [ready for f in container.decode(audio=0) for ready in resampler.resample(f)]
        start = float(frames[0].pts * frames[0].time_base)
        samples = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    if start < 0:
        return samples[round(-start * RATE) :]
    return np.concatenate([np.zeros(round(start * RATE), np.float32), samples])


def loud(samples: np.ndarray) -> tuple[float, float]:
    """From when to when a tone is heard, in seconds."""
    there = np.flatnonzero(np.abs(samples) > 0.15)
    return there[0] / RATE, there[-1] / RATE


def flash_of(path: Path) -> float:
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    start = frames[0].time if path.suffix == ".avi" else 0.0
    return next(f.time for f in frames if f.to_ndarray(format="gray").mean() > 120) - start


@pytest.mark.parametrize(
    ("suffix", "codec", "at", "drift"),
    [
        (".mp4", "aac", 10.0, 0.0005),
        (".webm", "opus", 10.0, -0.0005),
        (".mov", "aac", 1.0, 0.0),
        (".mkv", "aac", 1.0, 0.0),
        (".avi", "ac3", 1.0, 0.0),
    ],
)
def test_a_beep_and_a_flash_stay_together_though_the_clocks_drift(
    tmp_path, suffix, codec, at, drift
):
    path, tone = tmp_path / f"out{suffix}", (at, at + 0.2)
    device = ScriptedDevice(heard(at + 1, tone, drift=drift))
    microphone = Microphone("fake", print, open_device=lambda name: device)
    record(Recorder(path, microphone=microphone), device, pictures(at + 0.6, tone))
    with av.open(str(path)) as container:
        assert container.streams.audio[0].codec_context.name == codec
    sound = sound_of(path)
    begin, end = loud(sound)
    assert begin == pytest.approx(flash_of(path), abs=0.04)
    assert begin == pytest.approx(at, abs=0.02)
    assert end - begin == pytest.approx(0.2, abs=0.02)
    assert len(sound) / RATE == pytest.approx(at + 0.6, abs=0.06)
    assert device.closed


def test_live_sound_takes_less_of_the_processor_than_the_usual_coder_alone():
    """Pictures wait for the sound of their time: on a busy machine that is what a kill loses."""
    seconds = 4
    samples = np.random.default_rng(2).integers(-9000, 9000, (seconds * RATE, 2), np.int16)

    def of_the_track() -> None:
        chunk = Chunk(BEGIN, samples)
        listener = SimpleNamespace(chunks=deque([chunk]), hears=True)
        with av.open(io.BytesIO(), "w", format="matroska") as output:
            track = MicrophoneTrack(output, listener)
            for picture in range(seconds * FPS):
                track.advance(picture / FPS, BEGIN + picture / FPS)

    def of_the_usual_coder() -> None:
        with av.open(io.BytesIO(), "w", format="matroska") as output:
            stream = output.add_stream("aac", rate=RATE, layout="stereo")
            resampler = av.AudioResampler(format="fltp", layout="stereo", rate=RATE)
            frame = av.AudioFrame.from_ndarray(
                samples.reshape(1, -1), format="s16", layout="stereo"
            )
            frame.sample_rate = RATE
            for ready in resampler.resample(frame):
                output.mux(stream.encode(ready))

    def taken(work: Callable[[], None]) -> float:
        begin = time.thread_time()
        work()
        return time.thread_time() - begin

    tries = [(taken(of_the_track), taken(of_the_usual_coder)) for _ in range(3)]
    ours, usual = (min(times) for times in zip(*tries, strict=True))
    assert ours < 0.8 * usual


def test_the_delay_of_the_settings_is_added(tmp_path):
    device = ScriptedDevice(heard(3, (1.0, 1.2)))
    microphone = Microphone("fake", print, delay=0.3, open_device=lambda name: device)
    record(Recorder(tmp_path / "out.mkv", microphone=microphone), device, pictures(2))
    assert loud(sound_of(tmp_path / "out.mkv"))[0] == pytest.approx(1.3, abs=0.02)


def test_one_that_fails_is_told_and_silence_goes_on(tmp_path):
    told: list[str] = []
    device = ScriptedDevice([*heard(2, (0.0, 9.0)), SinkFault("USB microphone: unplugged")])
    opened = iter([device])

    def open_device(name: str) -> ScriptedDevice:
        for found in opened:
            return found
        raise SinkFault(f"no microphone is called {name!r}")

    microphone = Microphone("usb", told.append, open_device=open_device)
    record(Recorder(tmp_path / "out.mp4", microphone=microphone), device, pictures(5))
    assert told == [
        "microphone: USB microphone: unplugged; recordings go on without its sound",
    ]
    sound = sound_of(tmp_path / "out.mp4")
    assert loud(sound) == (pytest.approx(0, abs=0.05), pytest.approx(2, abs=0.05))
    assert len(sound) / RATE == pytest.approx(5, abs=0.06)
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert len(list(container.decode(video=0))) == 5 * FPS


def test_one_that_is_missing_is_told_once_and_heard_when_it_comes(tmp_path, monkeypatch):
    monkeypatch.setattr(microphone_module, "PAUSES", (0.01,))
    told: list[str] = []
    device = ScriptedDevice(heard(2, (2.5, 2.7), begin=1.0))
    answers = iter([SinkFault("no microphone is called 'usb'"), OSError("busy"), device])

    def open_device(name: str) -> ScriptedDevice:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    microphone = Microphone("usb", told.append, open_device=open_device)
    record(Recorder(tmp_path / "out.mp4", microphone=microphone), device, pictures(3))
    assert told[:2] == [
        "microphone: no microphone is called 'usb'; recordings go on without its sound",
        "microphone: usb is back",
    ]
    assert loud(sound_of(tmp_path / "out.mp4"))[0] == pytest.approx(2.5, abs=0.02)


def test_one_that_falls_silent_counts_as_lost(monkeypatch):
    monkeypatch.setattr(microphone_module, "SILENT", 0.1)
    told: list[str] = []
    device = ScriptedDevice(heard(0.2, (0.0, 1.0)))
    microphone = Microphone("usb", told.append, open_device=lambda name: device)
    listener = microphone.listen()
    wait_until(lambda: told)
    assert told[0].startswith("microphone: usb gives no sound any more")
    assert not listener.hears
    listener.close()


def test_it_is_open_only_while_somebody_listens():
    devices: list[ScriptedDevice] = []

    def open_device(name: str) -> ScriptedDevice:
        devices.append(ScriptedDevice([]))
        return devices[-1]

    microphone = Microphone("usb", print, open_device=open_device)
    assert devices == []
    first, second = microphone.listen(), microphone.listen()
    wait_until(lambda: devices)
    first.close()
    first.close()
    assert not devices[0].closed
    second.close()
    assert devices[0].closed
    assert len(devices) == 1


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_sound_goes_on_in_the_next_part_without_a_gap(tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    device = ScriptedDevice(heard(5, (1.7, 2.3)))
    microphone = Microphone("fake", print, open_device=lambda name: device)
    split = SplitRecorder(
        path, partial(Recorder, microphone=microphone), name="file:out", seconds=2.0
    )
    record(split, device, pictures(4.5))
    first, second = sound_of(path), sound_of(tmp_path / f"out-2{suffix}")
    assert loud(first) == (pytest.approx(1.7, abs=0.02), pytest.approx(2.0, abs=0.015))
    assert loud(second) == (pytest.approx(0, abs=0.01), pytest.approx(0.3, abs=0.02))
    assert len(sound_of(tmp_path / f"out-3{suffix}")) / RATE == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("suffix", CONTAINERS)
@pytest.mark.parametrize("with_sound", [False, True])
def test_on_a_slow_machine_only_the_newest_picture_is_not_in_the_file_yet(
    tmp_path, suffix, with_sound
):
    """What a kill would lose, however long a picture takes."""
    path, copy = tmp_path / f"out{suffix}", tmp_path / f"copy{suffix}"
    device = ScriptedDevice(heard(5, (1.0, 2.0)))
    microphone = Microphone("fake", print, open_device=lambda name: device)
    recorder = Recorder(path, microphone=microphone if with_sound else None)
    recorder.open(FrameFormat(64, 48, FPS, live=True))
    wait_until(lambda: not with_sound or not device.script)
    time.sleep(0.05)  # the last chunk is on its way
    for number, frame in enumerate(pictures(4.5)[:: FPS // 2]):
        recorder.write(frame)
        shutil.copy(path, copy)
        if number:
            with av.open(str(copy)) as container:
                assert len(list(container.decode(video=0))) >= number
    recorder.close()


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_while_no_picture_comes_the_sound_gets_into_the_file(tmp_path, suffix):
    path, copy = tmp_path / f"out{suffix}", tmp_path / f"copy{suffix}"
    device = ScriptedDevice(heard(5, (0.0, 5.0)))
    recorder = Recorder(path, microphone=Microphone("x", print, open_device=lambda name: device))
    recorder.open(FrameFormat(64, 48, FPS, live=True))
    wait_until(lambda: not device.script)
    recorder.write(pictures(0.1)[0])

    def in_the_file() -> float:
        recorder.pump()
        shutil.copy(path, copy)
        try:
            return loud(sound_of(copy))[1]
        except (av.FFmpegError, IndexError):  # nothing yet, or the last chunk is cut in two
            return 0.0

    wait_until(lambda: in_the_file() > 0.3)
    recorder.close()


def test_the_clock_follows_the_chunks_that_come_soonest_and_real_gaps():
    clock, random = ArrivalClock(), np.random.default_rng(2)
    length = CHUNK / RATE
    for i in range(200):
        late = 0.0 if i % 5 == 0 else random.uniform(0, 0.08)
        begin = clock.begin(BEGIN + (i + 1) * length + late, CHUNK)
        assert begin == pytest.approx(BEGIN + i * length, abs=0.001)
    lost = 0.3  # the driver lost sound: all that follows is later
    begins = [clock.begin(BEGIN + lost + (i + 1) * length, CHUNK) for i in range(200, 260)]
    assert begins[-1] == pytest.approx(BEGIN + lost + 259 * length, abs=0.001)
    assert begins == sorted(begins)


def test_without_its_package_it_is_refused_with_the_command(monkeypatch):
    monkeypatch.setattr(device_module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'stylecam\[microphone\]'"):
        device_module.check_installed()


def test_a_device_that_does_not_open_gives_its_reason_in_words(monkeypatch):
    miniaudio = pytest.importorskip("miniaudio")

    def refuse(**_: object) -> None:
        raise miniaudio.MiniaudioError("failed to init device", -401)

    monkeypatch.setattr(miniaudio, "CaptureDevice", refuse)
    with pytest.raises(SinkFault, match=r"^default: cannot be opened \(failed to init device\)$"):
        device_module.MiniaudioDevice("default")
