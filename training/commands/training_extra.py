"""Checks that the training extra is installed."""

from importlib.util import find_spec

from models.errors import UsageError


def require_training_extra(command: str) -> None:
    """Raise UsageError if torch is not installed."""
    if find_spec("torch") is None:
        raise UsageError(
            f"stylecam {command} needs the training extra: pip install 'stylecam[train]'"
        )
