"""What the page may say, and what it is told."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import UsageError
from realtime.control.protocol import hello, parse, state
from realtime.control.state import Settings
from realtime.control.verbs import VERBS

START = Settings(styles=("one", "two", "three"), style="one", strength=0.5)


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_can_be_said(verb):
    assert parse(json.dumps({"verb": verb}))(START) == VERBS[verb](START)


def test_a_style_a_strength_and_a_smoothing_can_be_set():
    assert parse('{"style": "three"}')(START).style == "three"
    assert parse('{"strength": 0.25}')(START).strength == 0.25
    assert parse('{"strength": 1}')(START).strength == 1
    assert parse('{"smoothing": 0}')(START).smoothing == 0
    assert parse('{"smoothing": 0.5}')(START).smoothing == 0.5


@pytest.mark.parametrize(
    "message",
    [
        "",
        "nonsense",
        "[]",
        "3",
        "{}",
        '{"verb": 3}',
        '{"verb": "fly"}',
        '{"verb": "next", "style": "two"}',
        '{"style": "four"}',
        '{"style": null}',
        '{"strength": 1.1}',
        '{"strength": -0.1}',
        '{"strength": NaN}',
        '{"strength": 1e999}',
        '{"strength": true}',
        '{"strength": "0.5"}',
        '{"smoothing": 1.1}',
        '{"smoothing": true}',
        '{"smoothing": null}',
        '{"smoothing": 0.5, "strength": 0.5}',
        '{"quit": true}',
        "[" * 1000,
        '{"strength": ' + "9" * 1000 + "}",
    ],
)
def test_anything_else_is_refused(message):
    with pytest.raises(UsageError):
        parse(message)(START)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists))
def test_no_value_breaks_the_parser(value):
    for said in (value, {"verb": value}, {"style": value}, {"strength": value}):
        try:
            after = parse(json.dumps(said))(START)
        except UsageError:
            continue
        assert 0 <= after.strength <= 1
        assert after.style in START.styles


def test_the_greeting_names_styles_and_keys():
    titles = {"one": "One", "two": "Number Two"}
    greeting = json.loads(hello("My camera", START, titles, {"three"}))["hello"]
    assert greeting["title"] == "My camera"
    assert greeting["styles"] == [
        {"name": "one", "title": "One", "preview": False},
        {"name": "two", "title": "Number Two", "preview": False},
        {"name": "three", "title": "three", "preview": True},
    ]
    verbs = {key: row["verb"] for row in greeting["keys"] for key in row["keys"]}
    assert verbs["right"] == "next"
    assert ["n  right", "next style"] in greeting["help"]


def test_the_state_is_told_without_the_catalogue():
    told = json.loads(state(START))["state"]
    assert told["style"] == "one"
    assert told["strength"] == 0.5
    assert told["recording"] is False
    assert "styles" not in told


@pytest.mark.parametrize(
    ("message", "field", "value"),
    [
        ('{"view": "split"}', "view", "split"),
        ('{"mirror": true}', "mirror", True),
        ('{"paused": true}', "paused", True),
        ('{"recording": true}', "recording", True),
    ],
)
def test_every_switch_can_be_set(message, field, value):
    assert getattr(parse(message)(START), field) == value


@pytest.mark.parametrize(
    "message", ['{"view": "sideways"}', '{"mirror": 1}', '{"mirror": null}', '{"styles": []}']
)
def test_a_switch_takes_nothing_else(message):
    with pytest.raises(UsageError):
        parse(message)(START)


def test_the_page_is_told_its_switches_and_which_are_on():
    greeting = json.loads(hello("My camera", START, {}, set()))["hello"]
    assert {"verb": "split", "text": "Split"} in greeting["switches"]
    told = json.loads(state(VERBS["split"](VERBS["mirror"](START))))["state"]
    assert told["on"] == ["split", "mirror"]
