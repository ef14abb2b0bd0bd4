"""All errors that a user may see, as one class tree. Each has a one-line text and an exit code.

StylecamError               1  a run-time failure
├── UsageError              2  a wrong flag, key, name, value or missing input file
├── ModelError              1  a model file that is damaged, foreign or incompatible
├── TrainingError           1  a training that cannot continue
├── SourceFault             1  a source that failed; reopening it may help
└── SinkFault               1  a sink that failed; it stops only itself

The tree is part of models because realtime and training both import models, but not each other.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar

T = TypeVar("T")


class StylecamError(Exception):
    """Shown to the user as one line: what (file, key, device), what was wrong, what to do."""

    exit_code = 1


class UsageError(StylecamError):
    """An invalid request; it is refused before anything is changed."""

    exit_code = 2


class ModelError(StylecamError):
    """A model file that is damaged, foreign, or incompatible with the backend."""


class TrainingError(StylecamError):
    """A training that cannot start or continue; checkpoints already written stay intact."""


class SourceFault(StylecamError):  # noqa: N818  a fault may pass, an error does not
    """A source that stopped delivering frames; reopening it may help."""


class SinkFault(StylecamError):  # noqa: N818
    """A sink that cannot take frames; the other sinks continue."""


def lookup(kind: str, name: str, table: Mapping[str, T]) -> T:
    """The entry of `table` called `name`; otherwise raises UsageError with the nearest name."""
    if name in table:
        return table[name]
    near = get_close_matches(name, table, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"one of: {', '.join(sorted(table))}"
    raise UsageError(f"unknown {kind} {name!r}; {hint}")
