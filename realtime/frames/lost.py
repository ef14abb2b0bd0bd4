"""What is shown while a live source gives no frames. Light: the config needs it at every start."""

from typing import Literal

LostMode = Literal["card", "hold", "demo"]
"""A placeholder that says so, the last picture, or the demo."""
