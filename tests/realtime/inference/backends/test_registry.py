"""The names of backends and devices: one table each, and what the docs say about it."""

import re
from pathlib import Path

from realtime.config.schema import ProcessingConfig
from realtime.inference.backends.providers import AUTOMATIC, PROVIDERS
from realtime.inference.backends.registry import BACKENDS, DEVICES

ROOT = Path(__file__).parents[4]
COMMENTS = (ROOT / "config.yaml").read_text()


def test_the_defaults_are_in_the_tables():
    assert ProcessingConfig().backend in BACKENDS
    assert ProcessingConfig().device in DEVICES


def test_the_example_config_names_every_backend():
    [line] = re.findall(r"# (onnx \(.*)\n", COMMENTS)
    assert set(re.findall(r"(\w+) \(", line)) == set(BACKENDS)


def test_the_example_config_names_every_device():
    [(tried, named)] = re.findall(r"best available: (.*?)\. Also: (.*?)\.", COMMENTS)
    assert tuple(re.findall(r"[a-z]{3,}", tried)) == AUTOMATIC
    assert set(re.findall(r"[a-z]{3,}", named)) == PROVIDERS.keys() - set(AUTOMATIC)


def test_the_page_on_gpus_names_every_device_and_what_auto_tries():
    page = (ROOT / "docs" / "gpu.md").read_text()
    [tried] = re.findall(r"`auto` tries (.*?), in this order", page)
    assert tuple(re.findall(r"[a-z]{4,}|cpu", tried)) == AUTOMATIC
    assert set(re.findall(r"^\| `(\w+)`", page, re.MULTILINE)) == PROVIDERS.keys()
