"""`stylecam run` as a user calls it, in this process; whole runs are in test_end_to_end.py."""

import re
import threading
from pathlib import Path

import platformdirs
import pytest
from click.testing import CliRunner, Result

from models.errors import UsageError
from models.steadiness.hold import LIVE_SMOOTHING
from realtime.commands.run import KEYS, read_config, run
from realtime.config.schema import Config
from realtime.frames.size import Size
from tests.fakes import write_style


@pytest.fixture
def style(tmp_path: Path) -> Path:
    return write_style(tmp_path / "swap.onnx").path


def call(*words: object) -> Result:
    return CliRunner().invoke(run, [str(word) for word in words], catch_exceptions=False)


def test_a_run_says_what_it_takes_and_what_it_did(style: Path):
    done = call("--style", style, "--source", "demo", "--sink", "null", "--frames", 4)
    assert done.exit_code == 0
    generator, source, sink, figures = done.stderr.splitlines()
    assert re.match(
        r"generator: Swap \(.*swap.onnx\) on ONNX Runtime .*, CPU, fp32, \d+ thread", generator
    )
    assert source == "source: demo, 640x480, 30 frames/s"
    assert sink == "sink: null, 640x480, 30 frames/s"
    assert re.match(r"4 frames, [\d.]+ frames/s; generator [\d.]+ ms .*, 0 dropped", figures)


def test_named_sources_replace_all_of_the_file(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text("source: {input: Logitech, more: [demo]}\n")
    assert read_config(path, {"sources": ()}).source.more == ["demo"]
    named = read_config(path, {"sources": ("a.mp4", "1", "demo")}).source
    assert (named.input, named.more) == ("a.mp4", ["1", "demo"])
    assert read_config(path, {"sources": ("demo",)}).source.more == []
    with pytest.raises(UsageError, match=r"--source: .*at most 15"):
        read_config(path, {"sources": ("demo",) * 17})


def test_flags_override_the_file_which_overrides_the_defaults(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text("source:\n  size: 320x240\n  fps: 12\nstyle:\n  mirror: true\nsinks: [web]\n")
    config = read_config(path, {"size": "64x48", "mirror": False, "sinks": ("null",)})
    assert config.source.size == Size(64, 48)
    assert config.source.fps == 12
    assert not config.style.mirror
    assert config.sinks == ["null"]
    assert config.processing == Config().processing


def test_the_help_tells_the_smoothing_of_live_runs():
    assert f"[{LIVE_SMOOTHING} live, else 0]" in " ".join(call("--help").output.split())


def test_flags_that_are_not_given_change_nothing(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text("verbose: true\nsinks: [web]\n")
    given = dict.fromkeys(KEYS, None) | {"sinks": ()}
    assert read_config(path, given) == Config(verbose=True, sinks=["web"])


def test_the_users_own_file_is_read_where_none_is_named():
    own = platformdirs.user_config_path("stylecam") / "config.yaml"
    assert read_config(None, {}) == Config()
    own.parent.mkdir(parents=True)
    own.write_text("source:\n  fps: 7\n")
    assert read_config(None, {}).source.fps == 7


def test_a_config_of_the_folder_is_not_read_by_itself(tmp_path: Path, monkeypatch):
    (tmp_path / "config.yaml").write_text("source:\n  fps: 7\n")
    monkeypatch.chdir(tmp_path)
    assert read_config(None, {}).source.fps is None


def test_a_mistake_in_the_file_and_one_in_a_flag_name_their_place(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text("source:\n  wdith: 1\n")
    with pytest.raises(UsageError, match=r"mine.yaml:2: source.wdith: unknown key"):
        call("--config", path)
    with pytest.raises(UsageError, match="--process-size: write a size as WIDTHxHEIGHT"):
        call("--process-size", "big")


def test_every_flag_of_a_setting_is_known_to_the_config():
    options = {parameter.name for parameter in run.params} - {"config_path"}
    assert options - {"sources"} == set(KEYS) - {"source", "more"}
    for key in KEYS.values():
        section, _, name = key.partition(".")
        holder = getattr(Config(), section) if name else Config()
        assert hasattr(holder, name or section), key


def test_nothing_of_a_run_is_left_behind(style: Path):
    before = set(threading.enumerate())
    call("--style", style, "--source", "demo", "--sink", "null", "--frames", 2)
    assert {thread for thread in threading.enumerate() if thread.is_alive()} <= before
