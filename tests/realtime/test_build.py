"""From a config to a run: which parts it gets, and what is refused beforehand."""

import re
import socket
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from models.card import load_card, write_card
from models.catalogue import style_paths
from models.errors import ModelError, SinkFault, StylecamError, UsageError
from realtime.build import build, dated
from realtime.config.schema import Config, overridden
from realtime.control.verbs import pick_style, step_style
from realtime.frames.frame import FrameFormat
from realtime.inference import catalogue as run_catalogue
from realtime.inference.catalogue import RunCatalogue
from realtime.sinks.image_file import write_picture
from tests.fakes import write_style


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """The demo into nothing, painted by a style that exchanges red and blue."""
    style = write_style(tmp_path / "swap.onnx").path
    given = {"style.name": str(style), "source.input": "demo", "sinks": ["null"]}
    return overridden(Config(), given | {"limit.frames": 3}, {})


def play(config: Config) -> list[str]:
    said: list[str] = []
    composition = build(config, on_message=said.append)
    composition.pipeline.start()
    composition.pipeline.run()
    return said


def with_values(config: Config, **values: object) -> Config:
    return overridden(config, {k.replace("__", "."): v for k, v in values.items()}, {})


def picture(tmp_path: Path, size: tuple[int, int] = (64, 48)) -> Path:
    rgb = np.zeros((size[1], size[0], 3), np.uint8)
    rgb[..., 0] = 200
    write_picture(tmp_path / "red.png", rgb)
    return tmp_path / "red.png"


def read(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24")


def test_a_picture_comes_out_painted_in_the_right_colours(config: Config, tmp_path: Path):
    out = tmp_path / "blue.png"
    play(with_values(config, source__input=str(picture(tmp_path)), sinks=[f"image:{out}"]))
    assert read(out).shape == (48, 64, 3)
    assert read(out)[0, 0].tolist() == [0, 0, 200]


@pytest.mark.parametrize(
    ("values", "colour"),
    [
        ({"style__strength": 0.0}, [200, 0, 0]),
        ({"style__view": "original"}, [200, 0, 0]),
        ({"style__strength": 0.5}, [100, 0, 100]),
        ({"processing__scale": 0.5}, [0, 0, 200]),
        ({"processing__size": "50x50"}, [0, 0, 200]),
    ],
)
def test_settings_of_the_style_reach_the_picture(config, tmp_path, values, colour):
    out = tmp_path / "out.png"
    config = with_values(config, source__input=str(picture(tmp_path)), sinks=[str(out)], **values)
    play(config)
    assert read(out)[10, 10].tolist() == colour


def test_size_and_fit_reach_the_outputs(config: Config, tmp_path: Path):
    out = tmp_path / "out.png"
    source = picture(tmp_path)
    play(
        with_values(
            config, source__input=str(source), source__size="100x100", source__fit="crop",
            sinks=[str(out)],
        )
    )  # fmt: skip
    assert read(out).shape == (100, 100, 3)
    assert (read(out) == [0, 0, 200]).all()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"style__name": "stary-night"}, "unknown style 'stary-night'"),
        ({"style__name": "none.onnx"}, "none.onnx: no such model file"),
        ({"source__input": "none.mp4"}, "none.mp4: no such file"),
        ({"sinks": ["null", "null"]}, "the sink null is given twice"),
        ({"sinks": ["nul"]}, "unknown sink 'nul'; did you mean 'null'?"),
        ({"processing__backend": "tensorflow"}, "unknown backend 'tensorflow'"),
        ({"processing__device": "gpu"}, "unknown device 'gpu'"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_opens(config, values, message):
    with pytest.raises(UsageError, match=re.escape(message)):
        build(with_values(config, **values), on_message=lambda _: None)


def test_a_style_that_cannot_be_loaded_leaves_the_round(config: Config, tmp_path, monkeypatch):
    (tmp_path / "broken.onnx").write_bytes(b"junk")
    paths = {"broken": tmp_path / "broken.onnx"}
    monkeypatch.setattr(run_catalogue, "style_paths", lambda: paths)
    said: list[str] = []
    source = with_values(config, source__input=str(picture(tmp_path)), limit__frames=None,
                         source__loop=True)  # fmt: skip
    composition = build(source, on_message=said.append)
    pipeline = composition.pipeline
    box = pipeline.box
    assert box.current.styles == ("swap", "broken")
    box.apply(lambda s: replace(s, style="broken"))
    pipeline.plan = replace(pipeline.plan, on_progress=lambda _: pipeline.stop() if said else None)
    pipeline.start()
    pipeline.run()
    assert (box.current.refused, box.current.style) == (("broken",), "swap")
    assert step_style(box.current, +1).style == "swap"
    assert pick_style(box.current, 2).style == "broken", "it may have been mended"
    (line,) = said
    assert "broken.onnx: not an ONNX file" in line
    assert line.endswith("continuing with swap, without broken")


def test_a_snapshot_and_a_recording_get_names_by_their_time(config: Config, tmp_path: Path):
    folder = tmp_path / "kept"
    config = with_values(
        config, snapshot__folder=str(folder), snapshot__format="jpg",
        recording__folder=str(folder), recording__format="mkv",
    )  # fmt: skip
    save_targets = build(config, on_message=lambda _: None).pipeline.plan.keep
    rgb = np.zeros((48, 64, 3), np.uint8)
    first, second = save_targets.snapshot(rgb), save_targets.snapshot(rgb)
    assert first != second
    for path in (first, second):
        assert re.fullmatch(r"stylecam-\d{8}-\d{6}(-\d+)?\.jpg", path.name)
        assert path.parent == folder and path.is_file()
    assert save_targets.recording().name.endswith(".mkv")


def test_a_missing_microphone_is_told_on_every_face_and_silence_is_recorded(config, tmp_path):
    pytest.importorskip("miniaudio")
    out, said = tmp_path / "out.mp4", []
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    given = {"recording__microphone": "no such microphone", "limit__frames": 12}
    config = with_values(config, sinks=[f"web:{port}", f"file:{out}"], **given)
    pipeline = build(config, on_message=said.append).pipeline
    pipeline.start()
    pipeline.run()
    (line,) = [line for line in said if line.startswith("microphone: ")]
    assert line.endswith("recordings go on without its sound")
    assert pipeline.notice.text == line
    with av.open(str(out)) as container:
        assert container.streams.audio[0].codec_context.name == "aac"
        assert not any(frame.to_ndarray().any() for frame in container.decode(audio=0))


def test_recordings_of_one_second_never_share_a_name_and_an_empty_one_leaves_no_file(
    config: Config, tmp_path: Path
):
    config = with_values(config, recording__folder=str(tmp_path / "kept"))
    recording = build(config, on_message=lambda _: None).pipeline.plan.keep.recording
    sinks = [recording() for _ in range(5)]
    assert len({sink.name for sink in sinks}) == 5
    assert len(list((tmp_path / "kept").iterdir())) == 5
    for sink in sinks:
        sink.open(FrameFormat(64, 48, fps=10.0, live=True))
        sink.close()
    assert list((tmp_path / "kept").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_a_fault_of_one_line(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SinkFault, match="file/inside: cannot create this folder"):
        dated(tmp_path / "file" / "inside", "png")


def test_a_lighter_generator_is_found_but_is_no_style_to_go_through(tmp_path, monkeypatch):
    big = write_style(tmp_path / "big.onnx")
    write_style(tmp_path / "big-light.onnx")
    write_card(big.model_copy(update={"lighter": "big-light"}), big.path)
    shipped = style_paths([tmp_path])
    monkeypatch.setattr(run_catalogue, "style_paths", lambda: shipped)
    styles = RunCatalogue("big")
    assert list(styles.paths) == ["big"]
    assert styles.find("big-light").name == "big-light"
    assert set(RunCatalogue("big-light").paths) == {"big", "big-light"}
    monkeypatch.setattr(run_catalogue, "style_paths", dict)
    by_path = RunCatalogue(str(big.path))
    assert list(by_path.paths) == ["big"]
    assert by_path.find("big-light").path == tmp_path / "big-light.onnx"


@pytest.mark.parametrize(
    ("values", "may_idle"),
    [
        ({"limit__frames": None}, True),
        ({"limit__frames": 3}, False),
        ({"limit__frames": None, "source__input": "FOLDER"}, False),
    ],
)
def test_only_an_endless_source_without_a_limit_may_rest(config, values, may_idle, tmp_path):
    if "source__input" in values:
        values = values | {"source__input": str(picture(tmp_path).parent)}
    composition = build(with_values(config, **values), on_message=lambda _: None)
    assert composition.pipeline.plan.may_idle == may_idle


def test_the_card_of_a_style_is_read_again_only_when_a_file_of_it_has_changed(
    tmp_path, monkeypatch
):
    card, reads = write_style(tmp_path / "one.onnx"), []

    def counted(path: Path):
        reads.append(path)
        return load_card(path)

    monkeypatch.setattr(run_catalogue, "load_card", counted)
    monkeypatch.setattr(run_catalogue, "style_paths", lambda: {"one": card.path})
    styles = RunCatalogue("one")
    styles.refresh()
    assert styles.find("one") == styles.find("one") == card
    assert len(reads) == 1
    write_card(card.model_copy(update={"title": "Another title"}), card.path)
    assert styles.find("one").title == "Another title"
    assert len(reads) == 2
    card.path.write_bytes(b"junk")  # as a damaged file is always refused
    for _ in range(2):
        with pytest.raises(StylecamError):
            styles.find("one")


def test_a_model_file_goes_before_a_style_of_the_same_name(tmp_path, monkeypatch):
    (tmp_path / "shipped").mkdir()
    write_style(tmp_path / "shipped" / "mine.onnx")
    own = write_style(tmp_path / "mine.onnx")
    monkeypatch.setattr(run_catalogue, "style_paths", lambda: style_paths([tmp_path / "shipped"]))
    styles = RunCatalogue(str(own.path))
    assert styles.find("mine").path == own.path
    assert list(styles.paths) == ["mine"]


def test_the_source_is_not_replaced_even_by_force(config: Config, tmp_path: Path):
    source = picture(tmp_path)
    before = source.read_bytes()
    values = {"source__loop": True, "recording__overwrite": True, "sinks": [str(source)]}
    with pytest.raises(UsageError, match="is the source itself"):
        build(with_values(config, source__input=str(source), **values), on_message=print)
    assert source.read_bytes() == before


def test_the_title_is_the_cards_not_made_from_the_file_name(config: Config, tmp_path: Path):
    style = write_style(tmp_path / "the-scream.onnx")
    write_card(style.model_copy(update={"title": "Skrik, 1893"}), style.path)
    prepared = build(with_values(config, style__name=str(style.path)), on_message=print)
    assert prepared.pipeline.plan.titles["the-scream"] == "Skrik, 1893"
    assert prepared.generator.startswith(f"Skrik, 1893 ({style.path}) on ")


@pytest.mark.parametrize(
    ("sinks", "control", "ports"),
    [
        (["null"], False, []),
        (["null"], True, [None]),
        (["web"], False, [None]),
        (["web"], True, [None]),
        (["web:8081", "null"], True, [8081]),
        (["web:8081", "web:8082"], False, [8081, 8082]),
    ],
)
def test_there_is_a_control_server_for_each_page_and_one_on_demand(
    config: Config, sinks: list[str], control: bool, ports: list[int | None]
):
    prepared = build(with_values(config, sinks=sinks, web__control=control), on_message=print)
    assert [server._port for server in prepared.servers] == ports


def test_control_without_a_picture_lives_as_long_as_the_run(config: Config):
    prepared = build(with_values(config, web__control=True), on_message=print)
    [server] = prepared.servers
    assert server.url is None
    prepared.pipeline.start()
    port = server.access.port
    with socket.create_connection(("127.0.0.1", port), timeout=5):
        assert not server.has_picture
    prepared.pipeline.run()
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_a_mixture_of_two_styles_of_one_base_is_made_and_removed(tmp_path, monkeypatch):
    paths = {}
    for name, green in (("one", 0.0), ("two", 0.4)):
        card = write_style(tmp_path / f"{name}.onnx", green=green)
        card = card.model_copy(update={"training": {"base": "b"}})
        write_card(card, card.path)
        paths[name] = card.path
    other = write_style(tmp_path / "other.onnx")
    monkeypatch.setattr(run_catalogue, "style_paths", lambda: paths | {"other": other.path})
    styles = RunCatalogue("one")
    card = styles.find("one+two@25")
    assert card.credit == "One 75% + Two 25%"
    assert card.path.is_file()
    with pytest.raises(ModelError, match="not trained from one base"):
        styles.find("one+other@50")
    styles.stop()
    assert not card.path.exists()
