"""How flags override a config, and how they are told that they are wrong."""

import pytest

from models.errors import UsageError
from realtime.config.schema import Config, overridden
from realtime.frames.size import Size


def test_a_flag_replaces_one_value_and_leaves_the_others():
    before = Config.model_validate({"source": {"fps": 25.0, "input": "demo"}})
    after = overridden(before, {"source.size": "320x240", "verbose": True}, {})
    assert after.source.size == Size(320, 240)
    assert (after.source.fps, after.source.input) == (25.0, "demo")
    assert after.verbose
    assert before.source.size is None


def test_a_wrong_value_is_told_by_the_name_of_its_flag():
    flags = {"source.fps": "--fps", "style.strength": "--strength"}
    with pytest.raises(UsageError) as caught:
        overridden(Config(), {"source.fps": 0, "style.strength": 2}, flags)
    assert str(caught.value).splitlines() == [
        "--fps: must be greater than 0, not 0",
        "--strength: must be less than or equal to 1, not 2",
    ]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("sorce.fps", "sorce: unknown key; did you mean 'source'?"),
        ("source.fsp", "source.fsp: unknown key; did you mean 'fps'?"),
        ("verbose.fps", "verbose: "),
        ("source.fps.x", "source.fps.x: unknown key"),
    ],
)
def test_a_wrong_key_is_refused(key: str, message: str):
    with pytest.raises(UsageError, match=message.replace("?", r"\?")):
        overridden(Config(), {key: 1}, {})


def test_a_config_survives_a_round_trip():
    config = overridden(Config(), {"source.size": "64x48", "limit.duration": "2 min"}, {})
    assert Config.model_validate(config.model_dump()) == config
