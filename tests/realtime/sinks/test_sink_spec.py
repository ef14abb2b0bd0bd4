"""Which sink a text means, and how a text that means none is refused."""

from pathlib import Path

import pytest

from models.errors import UsageError
from realtime.config import Config
from realtime.settings import Settings, SettingsBox
from realtime.sinks.image_file import ImageFile
from realtime.sinks.null import Null
from realtime.sinks.recorder import Recorder
from realtime.sinks.spec import KINDS, Surroundings, is_local, parse, sink_from
from realtime.sinks.virtual_camera import VirtualCameraSink
from realtime.sinks.web import WebSink
from realtime.sinks.window import WindowSink


@pytest.fixture
def around() -> Surroundings:
    box = SettingsBox(Settings(styles=("a",), style="a"))
    return Surroundings(Config(), box)


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        ("window", WindowSink),
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
def test_a_text_makes_a_sink_of_that_name(around: Surroundings, spec: str, kind: type):
    sink = sink_from(spec, around)
    assert type(sink) is kind
    assert sink.name == spec


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", "unknown sink ''; one of: "),
        ("widnow", "unknown sink 'widnow'; did you mean 'window'?"),
        ("out.xyz", "unknown sink 'out.xyz'"),
        ("window:1", "window:1: nothing may follow window"),
        ("null:", "null:: nothing may follow null"),
        ("file", "file: needs a path, like file:out.mp4"),
        ("file:", "file:: needs a path, like file:out.mp4"),
        ("image", "image: needs a path, like image:out.png"),
        ("file:out.xyz", "out.xyz: unknown video format '.xyz'"),
        ("image:out", "out: no file ending"),
        ("web:http", "web:http: 'http' is no port"),
        ("web:0", "'0' is no port"),
        ("web:65536", "'65536' is no port"),
    ],
)
def test_a_text_that_means_none_is_refused(around: Surroundings, spec: str, message: str):
    with pytest.raises(UsageError) as caught:
        sink_from(spec, around)
    assert message in str(caught.value)


def test_a_drive_letter_is_no_kind():
    assert parse(r"C:\films\out.mp4") == ("file", r"C:\films\out.mp4")


@pytest.mark.parametrize("prefix", ["", "file:"])
def test_a_file_that_exists_is_replaced_only_on_demand(
    around: Surroundings, tmp_path: Path, prefix: str
):
    path = tmp_path / "out.mp4"
    path.write_text("precious")
    with pytest.raises(UsageError, match="exists already; --force replaces it"):
        sink_from(f"{prefix}{path}", around)
    forced = Config.model_validate({"recording": {"overwrite": True}})
    sink_from(f"{prefix}{path}", Surroundings(forced, around.box))
    assert path.read_text() == "precious"


def test_a_picture_that_exists_is_replaced_only_on_demand(around: Surroundings, tmp_path: Path):
    (tmp_path / "out.png").write_text("precious")
    with pytest.raises(UsageError, match="exists already"):
        sink_from(f"image:{tmp_path / 'out.png'}", around)


def test_text_over_the_picture_is_for_those_who_look_at_it_here():
    assert is_local("window") and is_local("web:8080")
    assert not any(is_local(spec) for spec in ("virtual-camera", "out.mp4", "null"))


def test_keys_of_the_window_reach_the_settings(around: Surroundings):
    sink = sink_from("window", around)
    sink._on_key("m")  # type: ignore[attr-defined]  # what a key press in a real window calls
    assert around.box.current.mirror


def test_every_kind_that_needs_a_path_has_an_example():
    for name, kind in KINDS.items():
        if kind.argument == "required":
            with pytest.raises(UsageError, match=f"like {name}:out"):
                parse(name)
