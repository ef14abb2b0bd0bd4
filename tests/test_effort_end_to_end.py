"""A whole run keeps to its share of the CPU: real frames, a real generator, a scripted meter."""

import asyncio
import json
import shutil
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import platformdirs
import pytest
from click.testing import CliRunner

from realtime.build import PreparedRun, build
from realtime.commands.ctl import ctl
from realtime.config.schema import Config, overridden
from realtime.pipeline.effort import cpu_budget, ladder
from tests.fakes import write_style
from tests.realtime.fakes import wait_until

BUDGET = 0.3


class Meter:
    """A processor time of which `cores` cores' share `used` is spent, whatever the run does."""

    def __init__(self, cores: int) -> None:
        self._cores = cores
        self._used = 0.0
        self._spent, self._since = 0.0, time.monotonic()
        self._lock = threading.Lock()

    def __call__(self) -> float:
        with self._lock:
            now = time.monotonic()
            self._spent += (now - self._since) * self._used * self._cores
            self._since = now
            return self._spent

    def uses(self, share: float) -> None:
        self()
        self._used = share


class Run:
    """A run of small frames with two threads; `said` is what its user reads."""

    def __init__(self, folder: Path) -> None:
        style = write_style(folder / "swap.onnx").path
        given = {
            "style.name": str(style),
            "source.input": "demo",
            "source.size": "64x48",
            "sinks": ["web", "null"],
            "processing.cpu_budget": BUDGET,
            "processing.threads": 2,
            "processing.device": "cpu",
        }
        self.said: list[str] = []
        self.meter = Meter(4)
        config = overridden(Config(), given, {})
        self.prepared: PreparedRun = build(config, on_message=self.said.append, control_socket=True)
        pipeline = self.prepared.pipeline
        pipeline.plan = replace(pipeline.plan, cpu_time=self.meter)
        pipeline.start()
        self._thread = threading.Thread(target=pipeline.run)
        self._thread.start()

    def status(self) -> dict[str, object]:
        """What `stylecam ctl status --json` tells of the effort."""
        done = CliRunner().invoke(ctl, ["status", "--json"])
        assert done.exit_code == 0, done.output
        effort = json.loads(done.output)["effort"]
        assert isinstance(effort, dict)
        return effort

    def becomes(self, **wanted: object) -> None:
        wait_until(lambda: wanted.items() <= self.status().items())

    def metrics(self) -> str:
        url = self.prepared.servers[0].url
        with urllib.request.urlopen(f"{url}metrics", timeout=10) as answer:
            return str(answer.read().decode())

    def page_hears(self, holds: Callable[[str], bool]) -> None:
        """Wait until a page that is opened now is told such a thing of the effort."""

        async def listen() -> None:
            address = f"{self.prepared.servers[0].url}ws"
            async with aiohttp.ClientSession() as session, session.ws_connect(address) as stream:
                async for message in stream:
                    told = json.loads(message.data)
                    if "effort" in told and holds(told["effort"]):
                        return

        asyncio.run(asyncio.wait_for(listen(), 10))

    def end(self) -> None:
        self.prepared.pipeline.stop()
        self._thread.join(10)
        assert not self._thread.is_alive()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    runtime = tempfile.mkdtemp()  # the path of a UNIX socket must be short
    monkeypatch.setattr(platformdirs, "user_runtime_path", lambda *_: Path(runtime) / "run")
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    for module, name, value in (
        (cpu_budget, "PERIOD", 0.05),
        (cpu_budget, "LONGEST", 0.1),
        (ladder, "MINIMUM_INTERVAL", 0.0),
    ):
        monkeypatch.setattr(module, name, value)
    run = Run(tmp_path)
    yield run
    run.end()
    shutil.rmtree(runtime)


def test_a_run_gives_way_to_its_budget_step_by_step_says_so_and_takes_all_back(run: Run):
    assert run.status() | {"cpu": None} == {
        "scale": 1.0,
        "lighter": False,
        "threads": None,
        "most_fps": None,
        "target_fps": None,
        "cpu": None,
        "cpu_budget": BUDGET,
    }
    run.meter.uses(0.9)
    run.becomes(scale=0.4, threads=1)
    wait_until(lambda: run.status()["most_fps"])
    assert run.prepared.pipeline.stylizer.threads == 1
    metrics = run.metrics()
    assert "\nstylecam_painted_scale 0.4\n" in metrics
    assert "\nstylecam_threads 1\n" in metrics
    assert "\nstylecam_cpu_budget 0.3\n" in metrics
    assert "\nstylecam_most_frames_per_second " in metrics
    run.page_hears(lambda words: words.startswith("0.4 of the size, 1 thread"))
    words = CliRunner().invoke(ctl, ["status"]).output
    assert "effort: 0.4 of the size, 1 thread" in words
    assert "within 30% of the CPU, " in words
    steps = [line for line in run.said if line.startswith("painting at 0")]
    assert steps == [
        *(
            f"painting at {s:g} of the size, to stay within 30% of the CPU"
            for s in ladder.SCALES[1:]
        ),
        "painting at 0.4 of the size, 1 thread, to stay within 30% of the CPU",
    ]
    wait_until(lambda: any(line.startswith("painting at most") for line in run.said))
    run.meter.uses(0.02)
    run.becomes(scale=1.0, threads=None, most_fps=None)
    wait_until(lambda: not run.prepared.pipeline.stylizer.loading)
    assert run.prepared.pipeline.stylizer.threads is None
    assert run.said[-1] == "painting at full size, to stay within 30% of the CPU"
