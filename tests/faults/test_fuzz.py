"""Whatever is in a file or a message: one line for the user, no traceback, no hang, no other file.

`pytest --hypothesis-profile=fuzz tests/faults/test_fuzz.py` tries 100,000 cases; the default a few.
"""

import io
import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import av
import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from models.card import load_card
from models.errors import StylecamError
from models.picture_formats.decoding import UndecodableError, decode_picture
from realtime.config.schema import Config
from realtime.config.yaml_file import load_config
from realtime.control.protocol import LARGEST, parse
from realtime.control.state import Settings
from realtime.control.web.roles import Role
from realtime.inference.backends.registry import make_backend
from realtime.sources import EndOfSource
from realtime.sources.decoding.decoder import Decoder

LONGEST = 20
"""Seconds of the processor after which a case counts as a hang: a busy machine takes longer."""
STILL = 600
"""Seconds after which one counts as a hang that does nothing."""
HEADER = 600
START = Settings(styles=("one", "two"), style="one")
PARTS = sorted({*Config.model_fields, "input", "size", "fps", "name", "strength", "verb", "style"})

# A case has its own limits; all of them take long.
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(0)]
quietly = settings(suppress_health_check=list(HealthCheck), deadline=None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@contextmanager
def harmless(folder: Path) -> Iterator[None]:
    """Nothing but our own errors comes out, in time, and nothing is written beside."""

    def hang(*_: object) -> None:
        raise AssertionError(f"hangs: no answer after {LONGEST} s of work, or {STILL} s")

    before = {path.name for path in folder.iterdir()}
    timed = threading.current_thread() is threading.main_thread() and hasattr(signal, "SIGALRM")
    if timed:
        signal.signal(signal.SIGALRM, hang)
        signal.signal(signal.SIGPROF, hang)
        signal.setitimer(signal.ITIMER_PROF, LONGEST)
        signal.alarm(STILL)
    try:
        yield
    except StylecamError as error:
        assert str(error)
    finally:
        if timed:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.alarm(0)
    assert {path.name for path in folder.iterdir()} == before


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """A file with wrong bytes, mostly in its header; it may be cut off or have bytes more."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(0, 4))):
        most = len(data) if draw(st.booleans()) else min(len(data), HEADER)
        at = draw(st.integers(0, max(0, most - 1)))
        some = draw(st.binary(min_size=1, max_size=8) | st.sampled_from([b"\xff" * 4, bytes(4)]))
        if draw(st.integers(0, 3)):
            data[at : at + len(some)] = some
        else:
            data[at:at] = some
    if draw(st.integers(0, 4)) == 0:
        del data[draw(st.integers(0, len(data))) :]
    return bytes(data)


def pictures() -> list[bytes]:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (12, 16, 3), dtype=np.uint8))
    made = []
    for kind in ("PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP", "TGA", "PPM", "PCX", "ICO", "AVIF"):
        buffer = io.BytesIO()
        image.save(buffer, kind)
        made.append(buffer.getvalue())
    return made


def videos(folder: Path) -> list[bytes]:
    made = []
    for suffix, codec in (
        (".mp4", "libx264"), (".mkv", "libx264"), (".avi", "mpeg4"), (".webm", "libvpx-vp9"),
        (".ts", "libx264"), (".gif", "gif"),
    ):  # fmt: skip
        path = folder / f"whole{suffix}"
        with av.open(str(path), "w") as output:
            stream = output.add_stream(codec, rate=10)
            stream.width, stream.height = 32, 32
            stream.pix_fmt = "rgb8" if codec == "gif" else "yuv420p"
            for level in range(4):
                rgb = np.full((32, 32, 3), level * 60, np.uint8)
                frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
                output.mux(stream.encode(frame.reformat(format=stream.pix_fmt)))
            output.mux(stream.encode(None))
        made.append(path.read_bytes())
    return made


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(PARTS) | st.text(), inner)
    ),
    max_leaves=9,
)


@quietly
@given(
    st.binary(max_size=120)
    | st.text(max_size=120).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | VALUES.map(lambda value: yaml.safe_dump(value).encode())
    | damaged(b"source: {input: demo, size: 64x48, fps: 30}\nstyle: {name: x, strength: 0.5}\n")
)
def test_no_config_does_harm(folder, data):
    path = folder / "config.yaml"
    path.write_bytes(data)
    with harmless(folder):
        load_config(path)


@quietly
@given(
    st.text(max_size=LARGEST)
    | VALUES.map(json.dumps)
    | damaged(b'{"style": "two"}').map(lambda data: data.decode("latin-1")),
    st.sampled_from(Role),
)
def test_no_message_does_harm(folder, message, role):
    with harmless(folder):
        after = parse(message, role)(START)
        assert after.style in after.styles and 0 <= after.strength <= 1


@quietly
@given(st.sampled_from(pictures()).flatmap(damaged))
def test_no_picture_does_harm(folder, data):
    with harmless(folder), suppress(UndecodableError):
        decode_picture(data, name="x")


@quietly
@given(data=st.data())
def test_no_video_does_harm(folder, data):
    if not (whole := list(folder.glob("whole*"))):
        videos(folder)
        whole = list(folder.glob("whole*"))
    path = folder / "damaged"
    path.write_bytes(data.draw(damaged(data.draw(st.sampled_from(sorted(whole))).read_bytes())))
    with harmless(folder), suppress(EndOfSource):
        decoder = Decoder(f"file:{path}", name="damaged")
        try:
            for _ in range(9):
                decoder.read()
        finally:
            decoder.close()


@quietly
@given(data=st.data())
def test_no_model_does_harm(folder, swap, data):
    card = swap.path.with_suffix(".yaml").read_bytes()
    (folder / "x.onnx").write_bytes(data.draw(damaged(swap.path.read_bytes())))
    (folder / "x.yaml").write_bytes(data.draw(st.just(card) | damaged(card)))
    with harmless(folder):
        backend = make_backend("onnx", "cpu", threads=1, half=False)
        try:
            backend.load(load_card(folder / "x.onnx"))
        finally:
            backend.close()
