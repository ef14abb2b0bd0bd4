"""A config file that is edited during a run, and files that are watched."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from realtime.config.file_watch import FileWatch
from realtime.config.live_reload import LIVE, ConfigReload
from realtime.config.schema import Config, overridden
from realtime.config.yaml_file import load_config
from realtime.control.state import Settings, SettingsStore, with_styles
from tests.realtime.fakes import wait_until


class Case:
    """A run with a config file; `said` is what the user was told."""

    def __init__(self, folder: Path) -> None:
        self.file, self.said = folder / "own.yaml", []
        self.file.write_text("style: {strength: 0.5}\n")
        self.box = SettingsStore(Settings(("starry-night", "mosaic"), "starry-night", strength=0.5))
        self.reload = ConfigReload(
            load_config(self.file), lambda: load_config(self.file), self.box, self.said.append
        )

    def edit(self, text: str) -> Settings:
        self.file.write_text(text)
        self.reload()
        return self.box.current


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def test_what_can_be_changed_is_changed_at_once(case: Case):
    settings = case.edit(
        "style: {strength: 0.7, name: mosaic, zoom: 2}\nprocessing: {scale: 0.5}\n"
    )
    assert (settings.strength, settings.style, settings.zoom) == (0.7, "mosaic", 2)
    assert settings.scale == 0.5
    assert case.said == [
        "config read again: style.name, style.strength, style.zoom, processing.scale"
    ]


def test_what_a_key_changed_stays_unless_the_file_changes_it(case: Case):
    case.box.apply(lambda s: replace(s, strength=0.1, mirror=True))
    settings = case.edit("style: {strength: 0.5, zoom: 2}\n")
    assert (settings.strength, settings.mirror, settings.zoom) == (0.1, True, 2)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("style: {strength: 7}\n", "less than or equal to 1"),
        ("style: {strenght: 1}\n", "did you mean 'strength'"),
        ("style: [\n", "own.yaml"),
        ("style: {name: mosaix, strength: 0.2}\n", "did you mean 'mosaic'"),
    ],
)
def test_a_broken_file_changes_nothing_and_says_why(case: Case, text: str, reason: str):
    before = case.box.current
    assert case.edit(text) is before
    [line] = case.said
    assert reason in line
    assert line.endswith("nothing was changed")
    assert case.edit("style: {strength: 0.9}\n").strength == 0.9


def test_what_cannot_change_now_is_named(case: Case):
    case.edit("style: {strength: 0.5}\nsource: {fps: 10}\n")
    assert case.said == ["config read again: source.fps will count from the next start"]


def test_every_live_key_is_one_of_the_config_and_of_the_settings():
    for key, field in LIVE.items():
        config = overridden(Config(), {key: getattr(Settings(("a",), "a"), field)}, {})
        assert config == Config(), key


def test_a_missing_file_is_told(case: Case):
    case.file.unlink()
    case.reload()
    assert "nothing was changed" in case.said[0]


def test_a_watch_notices_changes_once_they_are_complete(tmp_path: Path):
    seen, changed = [], threading.Event()

    def note() -> None:
        seen.append(sorted(path.name for path in tmp_path.iterdir()))
        changed.set()

    watch = FileWatch(lambda: tmp_path.glob("*"), note, every=0.02)
    watch.start()
    try:
        for number, change in enumerate(
            (
                lambda: (tmp_path / "a").write_text("1"),
                lambda: (tmp_path / "b").write_text("2"),
                (tmp_path / "a").unlink,
            )
        ):
            change()
            wait_until(lambda number=number: len(seen) > number)
    finally:
        watch.stop()
    assert seen[-1] == ["b"]
    watch.stop()


def test_new_styles_keep_the_one_that_paints():
    settings = Settings(("one", "two", "three"), "two", blend_with="three")
    assert with_styles(settings, ("one", "four")).styles == ("one", "two", "four")
    assert with_styles(settings, ("one", "four")).blend_with is None
    assert with_styles(settings, ("three", "two")).blend_with == "three"
