import os
import subprocess
from collections.abc import Iterator

import platformdirs
import pytest

FOLDERS = ("user_data_path", "user_config_path")


@pytest.fixture(autouse=True)
def folders_of_nobody(monkeypatch, tmp_path_factory):
    """No test sees or touches the styles and the config of whoever runs it.

    The cache stays: it holds the loss network's weights, checked by hash.
    """
    home = tmp_path_factory.mktemp("home")
    for folder in FOLDERS:
        monkeypatch.setattr(platformdirs, folder, lambda *_, f=folder, **__: home / f)
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))


@pytest.fixture(scope="session")
def display() -> Iterator[str]:
    """A virtual screen of our own, as DISPLAY wants it; for tests that need Xvfb."""
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "800x600x24", "-nolisten", "tcp"],
        pass_fds=[writing],
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with os.fdopen(reading) as number:
        name = f":{number.readline().strip()}"
    yield name
    server.terminate()
    server.wait(10)
