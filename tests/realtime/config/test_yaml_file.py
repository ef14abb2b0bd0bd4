"""A config file: what it may say, and how it is told where it is wrong."""

import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from models.errors import UsageError
from realtime.config.schema import Config
from realtime.config.yaml_file import load_config
from realtime.frames.size import Size

EXAMPLE = Path(__file__).parents[3] / "config.yaml"
DOCS = EXAMPLE.parent / "docs" / "config.md"


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "config.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def refusal(path: Path) -> list[str]:
    """The lines of the refusal, each without the path before its line number."""
    with pytest.raises(UsageError) as caught:
        load_config(path)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{path}") for line in lines)
    return [line.removeprefix(f"{path}:") for line in lines]


def fields(section: type[BaseModel], prefix: str = "") -> set[str]:
    found = set()
    for name, field in section.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found |= fields(field.annotation, f"{prefix}{name}.")
        else:
            found.add(f"{prefix}{name}")
    return found


def keys(data: dict[str, Any], prefix: str = "") -> set[str]:
    found = set()
    for name, value in data.items():
        found |= keys(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name}
    return found


def test_the_example_parses_to_the_defaults():
    assert load_config(EXAMPLE) == Config()


def test_the_example_has_every_key_with_a_comment():
    text = EXAMPLE.read_text()
    assert keys(yaml.safe_load(text)) == fields(Config)
    lines = text.splitlines()
    plain = {"fullscreen", "title"}
    for number, line in enumerate(lines):
        match = re.match(r"  (\w+):", line)
        if match and match[1] not in plain:
            assert lines[number - 1].lstrip().startswith("#"), line


def test_an_empty_file_is_the_defaults(write):
    assert load_config(write("")) == Config()
    assert load_config(write("# nothing but comments\n")) == Config()


def test_a_section_with_every_key_commented_out_is_its_defaults(write):
    assert load_config(write("source:\n  # size: 1x1\nverbose: true\n")) == Config(verbose=True)


def test_keys_that_are_given_are_taken_and_the_rest_stays(write):
    config = load_config(
        write("source:\n  size: 1280x720\n  reconnect: 500 ms\nsinks: [web, 'file:a.mp4']\n")
    )
    assert config.source.size == Size(1280, 720)
    assert config.source.reconnect == 0.5
    assert config.sinks == ["web", "file:a.mp4"]
    assert config.style == Config().style


def test_a_wrong_key_is_told_with_its_line_and_the_nearest_name(write):
    path = write("# a comment\nsource:\n  fit: crop\n  sise: 1280x720\n")
    assert refusal(path) == ["4: source.sise: unknown key; did you mean 'size'?"]


def test_a_key_like_no_other_is_told_what_there_is(write):
    (line,) = refusal(write("qqqq: 1\n"))
    assert line.startswith("1: qqqq: unknown key; one of: source, style, ")


def test_a_camera_by_its_index_and_the_null_sink_need_no_quotes(write):
    config = load_config(write("source:\n  input: 0\nsinks: [null, web]\n"))
    assert config.source.input == "0"
    assert config.sinks == ["null", "web"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("source:\n  fps: -1\n", "2: source.fps: must be greater than 0, not -1"),
        ("source:\n  fps: .nan\n", "2: source.fps: "),
        ("source:\n  size: 640\n", "2: source.size: write a size as WIDTHxHEIGHT"),
        ("source:\n  size: '0x0'\n", "2: source.size: width and height must be more than 0"),
        ("source:\n  size: 0x480\n", "2: source.size: write a size as WIDTHxHEIGHT"),
        ("source:\n  fit: letterbx\n", "did you mean 'letterbox'?"),
        ("source:\n  reconnect: soon\n", "2: source.reconnect: write a duration as seconds"),
        ("source: camera\n", "1: source: "),
        ("style:\n  strength: 1.5\n", "2: style.strength: must be less than or equal to 1"),
        ("sinks: window\n", "1: sinks: must be a valid list, not 'window'"),
        ("sinks:\n  - web\n  - [1]\n", "3: sinks.1: must be a valid string"),
        ("verbose: maybe\n", "1: verbose: "),
        ("- a\n- b\n", "1: not a config"),
        ("just words\n", "1: not a config"),
        ("source:\n  fps: 1\n  fps: 2\n", "3: source.fps: duplicate key, first given in line 2"),
        ("source: [\n", "not valid YAML"),
        ("a: &x 1\nb: *x\n", "aliases"),
        ("verbose: !!python/object:os.system x\n", "1: verbose: could not determine a constructor"),
        ("style:\n  name: 2024-99-99\n", "2: style.name: month must be in 1..12"),
        ("style:\n  1: 2\n", "2: style.1: unknown key"),
        ("a: \x07\n", "not valid YAML"),
        ("[" * 500 + "]" * 500, "nested too deeply"),
    ],
)
def test_every_mistake_is_one_line_with_its_place(write, text: str, line: str):
    (said,) = refusal(write(text))
    assert line in said


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("verbose: !!bool foo\n", "1: verbose: not a valid value, not 'foo'"),
        ("verbose: !!int []\n", "1: verbose: "),
        ("verbose: !!timestamp x\n", "1: verbose: "),
        (f"processing:\n  threads: {'9' * 6000}\n", "2: processing.threads: "),
        (f"processing:\n  threads: 0x{'f' * 6000}\n", "2: processing.threads: "),
        ("processing:\n  threads: 100000\n", "2: processing.threads: must be less than or equal"),
        ("source:\n  fps: 0.0001\n", "2: source.fps: must be from 0.1 to 1000"),
        ("virtual_camera:\n  fps: 1.0e+9\n", "2: virtual_camera.fps: must be from 0.1 to 1000"),
        ('source:\n  input: "a\\0b"\n', "2: source.input: must not contain a NUL"),
        ('recording:\n  folder: "a\\0b"\n', "2: recording.folder: must not contain a NUL"),
        ('sinks: ["file:a\\0.mp4"]\n', "1: sinks: must not contain a NUL"),
    ],
)
def test_what_would_break_or_stall_a_run_is_one_short_line(write, text: str, line: str):
    (said,) = refusal(write(text))
    assert said.startswith(line)
    assert len(said) < 250


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither")
def test_a_device_and_a_pipe_are_refused_not_read(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.yaml")
    for path in (tmp_path / "pipe.yaml", Path("/dev/zero")):
        with pytest.raises(UsageError, match="a device or a pipe, not a file"):
            load_config(path)


def test_all_mistakes_are_told_in_the_order_of_the_file(write):
    said = refusal(write("verbos: true\nstyle:\n  strength: 2\n  view: sideways\n"))
    assert [line.split(":")[0] for line in said] == ["1", "3", "4"]


def test_a_missing_file_a_folder_and_bytes_are_refused(tmp_path: Path):
    with pytest.raises(UsageError, match="no such config file"):
        load_config(tmp_path / "none.yaml")
    with pytest.raises(UsageError, match="cannot be read"):
        load_config(tmp_path)
    (tmp_path / "photo.yaml").write_bytes(b"\xff\xd8\xff\xe0" * 10)
    with pytest.raises(UsageError, match="not a text file"):
        load_config(tmp_path / "photo.yaml")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=80))
def test_no_text_breaks_it(write, text: str):
    try:
        load_config(write(text))
    except UsageError as error:
        assert str(error)
    except UnicodeEncodeError:  # a lone surrogate cannot be in a file
        pass


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from([*Config.model_fields, "size", "fps"]), inner)
        ),
        max_leaves=8,
    )
)
def test_no_structure_breaks_it(write, data):
    try:
        load_config(write(yaml.safe_dump(data)))
    except UsageError as error:
        assert str(error)


def test_the_examples_of_the_docs_are_right(write):
    blocks = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert len(blocks) >= 2
    for block in blocks:
        assert load_config(write(block)) != Config()


def test_the_mistakes_that_the_docs_show_are_told_so(tmp_path: Path):
    shown = re.search(r"```\n(stylecam: kiosk.*?)```", DOCS.read_text(), re.DOTALL)
    assert shown is not None
    path = tmp_path / "kiosk.yaml"
    path.write_text("source:\n  fps: 30\n  sise: 1x1\n\n\n\n\nstyle:\n  strength: 2\n")
    expected = shown[1].replace("stylecam: kiosk.yaml:", "").splitlines()
    assert refusal(path) == expected
