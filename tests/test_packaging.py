"""What `pip install .` takes along: an editable install would not notice what is missing."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
HALVES = ("models", "realtime", "training")


def test_every_folder_with_sources_is_a_package():
    assert SETTINGS["packages"]["find"]["include"] == ["realtime*", "models*", "training*"]
    for half in HALVES:
        for path in (ROOT / half).rglob("*.py"):
            assert (path.parent / "__init__.py").is_file(), f"{path.parent} would not be installed"


def test_every_other_file_in_a_package_is_named_as_its_data():
    for half in HALVES:
        patterns = SETTINGS["package-data"].get(half, [])
        named = {path for pattern in patterns for path in (ROOT / half).glob(pattern)}
        for path in (ROOT / half).rglob("*"):
            if path.is_file() and path.suffix not in (".py", ".pyc"):
                assert path in named, f"{path.relative_to(ROOT)} would not be installed"
