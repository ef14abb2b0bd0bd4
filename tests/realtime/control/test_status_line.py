"""What the last line of the terminal and `stylecam ctl status` say of a run's effort."""

from dataclasses import asdict

import pytest

from realtime.commands.ctl import effort_line
from realtime.control.monitor import Effort
from realtime.control.state import Settings
from realtime.control.status_line import describe

SETTINGS = Settings(styles=("one",), style="one", zoom=2)


@pytest.mark.parametrize(
    ("effort", "words", "line"),
    [
        (Effort(), "", ""),
        (
            Effort(cpu_budget=0.5, cpu=0.31),
            "",
            "nothing spared, within 50% of the CPU, 31% used",
        ),
        (
            Effort(scale=0.4, lighter=True, threads=2, most_fps=12.41, cpu_budget=0.5),
            "0.4 of the size, lighter generator, 2 threads, at most 12.4 frames/s",
            "0.4 of the size, lighter generator, 2 threads, at most 12.4 frames/s, "
            "within 50% of the CPU",
        ),
        (
            Effort(scale=0.85, target_fps=30),
            "0.85 of the size",
            "0.85 of the size, for 30 frames/s",
        ),
        (Effort(threads=1, cpu_budget=0.1), "1 thread", "1 thread, within 10% of the CPU"),
    ],
)
def test_what_is_spared_is_told(effort: Effort, words: str, line: str):
    told = describe(SETTINGS, fps=9.0, effort=effort.words(), recorded=None, lost_for=None)
    parts = ["one", "100 %", "9.0 frames/s", *([words] if words else []), "zoom 2"]
    assert told == "  ".join(parts)
    assert effort_line(asdict(effort)) == line
