"""Settings that are tried."""

from models.card import StyleCard
from realtime.bench.tune import Setting, settings, tune, tuning_table


def test_every_number_of_threads_is_tried_with_and_without_spinning():
    assert settings(2) == [
        Setting(1, False),
        Setting(1, True),
        Setting(2, False),
        Setting(2, True),
    ]


def test_each_setting_has_its_figures(brush: StyleCard):
    tunings = tune(brush, settings(1), width=64, height=64, rounds=1)
    assert [t.setting for t in tunings] == settings(1)
    assert all(t.ms > 0 and t.cpu_ms > 0 for t in tunings)
    assert tuning_table(tunings, "trial").row_count == 2
