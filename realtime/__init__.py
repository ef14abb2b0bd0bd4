"""The live half of stylecam: sources, the stylizer, sinks and what controls them.

For other programs: `from realtime import Stylizer` (api.py), loaded when it is first asked for.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from realtime.api import Stylizer

__all__ = ["Stylizer"]


def __getattr__(name: str) -> object:
    if name == "Stylizer":
        from realtime.api import Stylizer

        return Stylizer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
