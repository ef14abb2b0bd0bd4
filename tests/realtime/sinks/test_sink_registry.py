"""Which sink a text means, and how a text that means none is refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from models.errors import UsageError
from realtime.config.schema import Config
from realtime.control.state import Settings, SettingsStore
from realtime.control.web.server import ControlServer
from realtime.sinks.image_file import ImageFile
from realtime.sinks.null import Null
from realtime.sinks.recording.recorder import Recorder
from realtime.sinks.registry import SinkContext, check_duplicates, make_sink, parse
from realtime.sinks.virtual_camera.sink import VirtualCameraSink
from realtime.sinks.web import WebSink
from realtime.sinks.window_process.sink import WindowProcess


@pytest.fixture
def context() -> SinkContext:
    box = SettingsStore(Settings(styles=("a",), style="a"))
    return SinkContext(
        Config(), box, control=lambda port: ControlServer(box, host="127.0.0.1", port=port)
    )


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        ("window", WindowProcess),
        ("web", WebSink),
        ("web:8080", WebSink),
        ("virtual-camera", VirtualCameraSink),
        ("virtual-camera:/dev/video4", VirtualCameraSink),
        ("file:out.mp4", Recorder),
        ("out.mkv", Recorder),
        ("OUT.MP4", Recorder),
        ("some/folder/out.mov", Recorder),
        ("image:out.png", ImageFile),
        ("image:stills/", ImageFile),
        ("out-%04d.jpg", ImageFile),
        ("null", Null),
    ],
)
def test_a_text_makes_a_sink_of_that_name(context: SinkContext, spec: str, kind: type):
    sink = make_sink(spec, context)
    assert type(sink) is kind
    assert sink.name == spec


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", "unknown sink ''; one of: "),
        ("widnow", "unknown sink 'widnow'; did you mean 'window'?"),
        ("out.xyz", "unknown sink 'out.xyz'"),
        ("window:1", "window:1: window takes no argument"),
        ("null:", "null:: null takes no argument"),
        ("file", "file: needs a path, like file:out.mp4"),
        ("file:", "file:: needs a path, like file:out.mp4"),
        ("image", "image: needs a path, like image:out.png"),
        ("file:out.xyz", "out.xyz: unknown video format '.xyz'"),
        ("image:out", "out: no file ending"),
        ("web:http", "web:http: 'http' is not a port"),
        ("web:0", "'0' is not a port"),
        ("web:65536", "'65536' is not a port"),
    ],
)
def test_a_text_that_means_none_is_refused(context: SinkContext, spec: str, message: str):
    with pytest.raises(UsageError) as caught:
        make_sink(spec, context)
    assert message in str(caught.value)


def test_a_drive_letter_is_no_kind():
    assert parse(r"C:\films\out.mp4") == ("file", r"C:\films\out.mp4")


@pytest.mark.parametrize("prefix", ["", "file:"])
def test_a_file_that_exists_is_replaced_only_on_demand(
    context: SinkContext, tmp_path: Path, prefix: str
):
    path = tmp_path / "out.mp4"
    path.write_text("precious")
    with pytest.raises(UsageError, match="already exists; use --force to overwrite it"):
        make_sink(f"{prefix}{path}", context)
    forced = Config.model_validate({"recording": {"overwrite": True}})
    make_sink(f"{prefix}{path}", replace(context, config=forced))
    assert path.read_text() == "precious"


def test_a_picture_that_exists_is_replaced_only_on_demand(context: SinkContext, tmp_path: Path):
    (tmp_path / "out.png").write_text("precious")
    with pytest.raises(UsageError, match="already exists"):
        make_sink(f"image:{tmp_path / 'out.png'}", context)


@pytest.mark.parametrize("spec", ["frames/", "out-%04d.png", "out-%d.png"])
def test_numbered_pictures_that_exist_are_replaced_only_on_demand(
    context: SinkContext, tmp_path: Path, spec: str
):
    (tmp_path / "frames").mkdir()
    mine = tmp_path / ("frames/frame-000007.png" if spec == "frames/" else "out-0007.png")
    make_sink(f"image:{tmp_path}/{spec}", context)
    mine.write_text("precious")
    with pytest.raises(UsageError, match=f"{mine}: already exists"):
        make_sink(f"image:{tmp_path}/{spec}", context)
    mine.rename(tmp_path / "notes.png")
    make_sink(f"image:{tmp_path}/{spec}", context)


def test_one_file_by_two_names_is_refused(tmp_path: Path):
    (tmp_path / "sub").mkdir()
    there, again = f"file:{tmp_path}/out.mp4", f"{tmp_path}/sub/../out.mp4"
    with pytest.raises(UsageError, match=r"given twice, as file:.* and as .*sub"):
        check_duplicates(["window", there, again])
    check_duplicates(["window", there, f"image:{tmp_path}/out.png", "web:8080", "web:8081"])
