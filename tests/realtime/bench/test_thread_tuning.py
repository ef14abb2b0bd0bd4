"""Settings that are tried."""

from models.card import StyleCard
from realtime.bench.thread_tuning import SPINS_US, Setting, settings, tune, tuning_table


def test_every_number_of_threads_is_tried_and_every_way_of_waiting_where_there_is_one():
    assert settings(2) == [Setting(1, 0), *(Setting(2, spin) for spin in SPINS_US)]


def test_each_setting_has_its_figures(brush: StyleCard):
    tunings = tune(brush, settings(2)[:2], width=64, height=64, rounds=1)
    assert [t.setting for t in tunings] == settings(2)[:2]
    assert all(t.ms > 0 and t.cpu_ms > 0 for t in tunings)
    assert tuning_table(tunings, "trial").row_count == 2
