"""What people read of a quality report."""

import math
from dataclasses import replace

import pytest

pytest.importorskip("torch", reason="needs the train extra")

from training.evaluation.baseline import Baseline
from training.evaluation.faces_kept import FacesKept
from training.evaluation.metrics import Quality
from training.evaluation.report import ReportRow
from training.reporting.quality_tables import print_report

QUALITY = Quality(
    style=0.3,
    content=0.4,
    likeness=5.25,
    outlines=0.31,
    total_variation=0.01,
    warping_synthetic=0.05,
    warping_clip=math.nan,
    warping_shown=math.nan,
    grid=0.5,
    border=1.5,
)
ROWS = [
    ReportRow("unstylised", QUALITY),
    ReportRow("mosaic", QUALITY, 290_000, 1126.4, 512.0, 12.34),
]


def test_each_row_has_its_figures_and_costs_within_80_columns(capsys):
    print_report(ROWS)
    heading, plain, style = capsys.readouterr().out.splitlines()
    assert heading.split()[0] == "likeness"
    assert plain.split()[:5] == ["unstylised", "5.25", "0.300", "0.400", "0.31"]
    assert style.split()[-3:] == ["290,000", "1126", "12.3"]
    assert len(style) <= 80


def test_what_was_asked_for_besides_stands_below(capsys):
    moving = replace(QUALITY, warping_clip=0.0321, warping_shown=0.0123)
    optimised = Baseline(2, 300, 0.2, 0.4, 0.01, 0.1, 0.4, 0.01, 57.0)
    row = replace(ROWS[1], quality=moving, faces=FacesKept(3, 4), baseline=optimised)
    print_report([replace(ROWS[0], quality=moving), row])
    said = " ".join(capsys.readouterr().out.split())
    assert "warping error of the clip generator alone as shown live" in said
    assert "mosaic 0.0321 0.0123" in said
    assert "mosaic: 3 of 4 faces can still be found" in said
    assert "300 iterations of optimisation at the same content distance, on 2 photographs" in said
    assert "mosaic 0.200 0.100 2.00" in said
