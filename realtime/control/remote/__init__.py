"""Optional ways in: MIDI, OSC and keys of the whole desktop. Each needs an extra of its own."""

from models.errors import UsageError


def needs(extra: str, error: ImportError) -> UsageError:
    """What to say where the packages of an extra cannot be imported."""
    if error.name is not None:
        return UsageError(
            f"{extra}: {error.name} is not installed; pip install 'stylecam[{extra}]'"
        )
    reason = next(iter(str(error).splitlines()), type(error).__name__)
    return UsageError(f"{extra}: it cannot be used here ({reason})")
