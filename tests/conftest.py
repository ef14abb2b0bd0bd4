"""What tests of several rooms share: no trace of the user, a screen, and small generators
whose painting is known in advance."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import platformdirs
import pytest
from hypothesis import settings

from models.card import StyleCard, load_card, write_card
from models.generator.architecture import Architecture, fast, folded
from models.generator.layers import Conv
from models.generator.parameters import Weights, parameter_count, random_weights
from models.onnx.graph import build_graph
from tests.browser import Browser
from tests.screen import SCREEN_HEIGHT, SCREEN_WIDTH, started_xvfb

StyleMaker = Callable[..., StyleCard]
FOLDERS = ("user_data_path", "user_config_path", "user_runtime_path")

SLOW_FIXTURES = {"loss_network", "small_training", "small_network"}
"""A test that loads the loss network or trains is slow, whatever else it does."""
SLOW_FILES = {
    "faults/test_fault_matrix.py",
    "faults/test_fuzz.py",
    "faults/test_kills.py",
    "realtime/commands/batch/test_stylize_parts.py",
    "realtime/commands/test_bench_command.py",
    "realtime/commands/test_stylize_pictures.py",
    "realtime/commands/test_stylize_videos.py",
    "realtime/convert/test_write_style.py",
    "realtime/inference/backends/test_every_backend.py",
    "realtime/inference/backends/test_onnx_runtime.py",
    "realtime/inference/backends/test_openvino_runtime.py",
    "realtime/sinks/recording/test_recorder.py",
    "realtime/sources/decoding/test_tone_map.py",
    "training/loop/test_repair.py",
    "training/loop/test_train.py",
    "training/test_export.py",
}
E2E_FIXTURES = {"display", "browser", "terminal"}
"""A test with a display, a browser or a terminal of its own is end to end."""
E2E_FILES = {
    "realtime/bench/end_to_end/test_memory_soak.py",
    "realtime/bench/end_to_end/test_worker.py",
    "realtime/commands/test_stylize_command.py",
    "test_control_end_to_end.py",
    "test_documented_commands_end_to_end.py",
    "test_effort_end_to_end.py",
    "test_end_to_end.py",
    "test_page_end_to_end.py",
    "test_service_end_to_end.py",
    "test_soak.py",
    "test_verbs_end_to_end.py",
    "test_virtual_camera_path.py",
}
"""Files whose tests start the program or whole runs."""
LONG_FILES = SLOW_FILES | E2E_FILES
settings.register_profile("fuzz", max_examples=20_000)
"""For tests/faults/test_fuzz.py: its five tests try 100,000 cases."""
HERE = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    """With `-n`, a core belongs to each worker, and the files are begun in the order below.

    Ctrl-C is tried on programs that are started here: a shell without job control lets what it
    starts with `&` ignore it, and they would inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.getoption("numprocesses", None):
        os.environ.setdefault("OMP_NUM_THREADS", "1")  # torch's threads would wait for each other
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what is slow and what is end to end; single tests may carry the marks themselves.

    Workers begin with the files that take long, so that none is left with one at the end.
    """
    for path in LONG_FILES:
        assert (HERE / path).is_file(), f"tests/conftest.py names {path}, which is not there"
    for item in items:
        used, file = set(getattr(item, "fixturenames", ())), item.path.relative_to(HERE).as_posix()
        if used & SLOW_FIXTURES or file in SLOW_FILES:
            item.add_marker(pytest.mark.slow)
        if used & E2E_FIXTURES or file in E2E_FILES:
            item.add_marker(pytest.mark.e2e)
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: item.path.relative_to(HERE).as_posix() not in LONG_FILES)


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
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home))


@pytest.fixture(scope="session")
def display() -> Iterator[str]:
    """A virtual screen of our own, as DISPLAY wants it; for tests that need Xvfb."""
    with started_xvfb((SCREEN_WIDTH, SCREEN_HEIGHT), "-noreset") as (_, name):
        yield name


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """For tests marked with `needs_browser`."""
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture
def make_style(tmp_path: Path) -> StyleMaker:
    """Writes a model file and its card; gives the card."""

    def make(
        architecture: Architecture, weights: Weights, *, with_strength: bool = True
    ) -> StyleCard:
        card = StyleCard(
            name="trial",
            title="Trial",
            architecture=architecture.name,
            alpha=architecture.alpha,
            stride=architecture.stride,
            parameters=parameter_count(architecture),
        )
        path = tmp_path / "trial.onnx"
        onnx.save(build_graph(architecture, weights, card, with_strength=with_strength), path)
        write_card(card, path)
        return load_card(path)

    return make


@pytest.fixture
def swap(make_style: StyleMaker) -> StyleCard:
    """A style that exchanges red and blue and adds 51 to green: x + (Wx + b)."""
    architecture = Architecture("fast", 1.0, (Conv(3, 1),), stride=1, margin=1, residual=True)
    exchange = np.array([[-1, 0, 1], [0, 0, 0], [1, 0, -1]], np.float32)
    weights = {
        "core.0.conv.weight": exchange[:, :, None, None],
        "core.0.conv.bias": np.array([0, 0.2, 0], np.float32),
    }
    return make_style(architecture, weights)


@pytest.fixture
def brush(make_style: StyleMaker) -> StyleCard:
    """A `fast` generator of random weights that changes the picture visibly, saturating little."""
    # Without the residual, or with sub-pixels, random weights go far out of range.
    architecture = folded(fast(0.25, head="half", detail=0.5, residual=True))
    weights = random_weights(architecture, seed=3)
    last = [name for name in weights if name.endswith("conv.weight")][-1]
    return make_style(architecture, weights | {last: weights[last] * 0.1})
