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
