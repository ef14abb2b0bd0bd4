"""Ratios, JSON and tables of results that are known."""

import json
from io import StringIO

import pytest
from rich.console import Console
from rich.table import Table

from models.system.machine import Machine
from realtime.bench.interleaved_timing import Timing
from realtime.bench.report import (
    EndToEndResult,
    GeneratorResult,
    Report,
    end_to_end_table,
    generator_table,
    three_digits,
    times_as_fast,
    to_json,
)

MACHINE = Machine("Test CPU", 2, 4, ("AVX2",), 8000, "Linux", "3.11")


def result(contender: str, ms: float, width: int = 640, height: int = 480) -> GeneratorResult:
    timing = Timing((ms - 1, ms, ms + 1))
    return GeneratorResult(contender, width, height, timing, (width, height))


def whole(width: int, height: int, painted: tuple[int, int]) -> EndToEndResult:
    return EndToEndResult(
        "starry-night", width, height, *painted, "null", frames=90, fps=80.0, overhead=0.12,
        live_fps=30.0, latency_p50_ms=20, latency_p95_ms=50, unread=0, memory_mb=310,
        memory_peak_mb=330, cpu_share=0.7,
    )  # fmt: skip


RESULTS = [
    result("starry-night", 10.0),
    result("johnson-1", 600.0),
    result("johnson-0.25", 120.0),
    result("starry-night", 30.0, 1280, 720),
    result("johnson-0.25", 330.0, 1280, 720),
]


def test_ratios_say_how_many_times_as_fast_within_one_size():
    ratios = times_as_fast(RESULTS)
    assert ratios["starry-night", 640, 480] == pytest.approx({"johnson-1": 60, "johnson-0.25": 12})
    assert ratios["starry-night", 1280, 720] == pytest.approx({"johnson-0.25": 11})
    assert ratios["johnson-1", 640, 480]["johnson-0.25"] == pytest.approx(0.2)


def test_json_holds_every_figure_and_says_what_it_was_measured_on():
    ends = [whole(1280, 720, (640, 360))]
    report = Report(MACHINE, "ONNX Runtime, CPU", RESULTS, ends, 0.25, ["busy"])
    data = json.loads(json.dumps(to_json(report)))
    assert data["schema"] == 1
    assert data["machine"]["cpu"] == "Test CPU"
    assert data["machine"]["instruction_sets"] == ["AVX2"]
    assert data["other_load"] == 0.25
    first = data["generator"][0]
    assert first == {
        "contender": "starry-night",
        "width": 640,
        "height": 480,
        "painted_width": 640,
        "painted_height": 480,
        "runs": 3,
        "median_ms": 10.0,
        "p10_ms": pytest.approx(9.2),
        "p90_ms": pytest.approx(10.8),
        "fps": 100.0,
        "times_as_fast": {"johnson-1": 60.0, "johnson-0.25": 12.0},
    }
    end = data["end_to_end"][0]
    assert (end["painted_width"], end["painted_height"]) == (640, 360)
    assert (end["latency_p95_ms"], end["latency_p95_frames"]) == (50, pytest.approx(1.5))


def text_of(table: Table) -> str:
    page = StringIO()
    Console(width=80, file=page).print(table)
    return page.getvalue()


def test_the_table_has_the_fastest_first_and_fits_a_terminal():
    lines = text_of(generator_table(RESULTS, 640, 480)).splitlines()
    names = [line.split()[0] for line in lines if "starry" in line or "johnson-" in line]
    assert names == ["starry-night", "johnson-0.25", "johnson-1"]
    row = next(line for line in lines if "starry-night" in line)
    assert row.split() == ["starry-night", "10.0", "9.20–10.8", "100", "60.0", "–", "12.0"]


def test_the_end_to_end_table_is_whole_at_eighty_columns():
    row = rows_of(whole(1280, 720, (1280, 720)))[0]
    assert row.split() == [
        "starry-night", "1280×720", "null", "80.0", "+12%", "20/50", "0.6/1.5", "310/330", "70%",
    ]  # fmt: skip


def test_what_was_painted_smaller_is_named():
    first, *rest = rows_of(whole(1280, 720, (640, 360)))
    assert first.split()[-1] == "70%"
    assert "640×360" in "".join(rest)


def rows_of(result: EndToEndResult) -> list[str]:
    """The row of the result, over several lines where the name is folded."""
    lines = text_of(end_to_end_table([result])).splitlines()
    start = next(i for i, line in enumerate(lines) if "starry" in line)
    return lines[start:]


@pytest.mark.parametrize(
    ("value", "shown"), [(4047.4, "4047"), (119.2, "119"), (12.34, "12.3"), (1.234, "1.23")]
)
def test_figures_are_short(value: float, shown: str):
    assert three_digits(value) == shown
