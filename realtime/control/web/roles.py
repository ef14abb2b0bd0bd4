"""Who may do what: the owner everything, a guest little, a viewer nothing but look."""

from enum import StrEnum

from models.errors import UsageError
from realtime.control.values import GUEST_VALUES
from realtime.control.verbs import GUEST_VERBS

GUEST_FIELDS = GUEST_VALUES | {"snapshots", "recording", "mirror_own"}
"""What a guest is told of the settings: what guests may change, and that they are recorded."""


class Role(StrEnum):
    """What whoever opened a link is, the highest first."""

    OWNER = "owner"
    GUEST = "guest"
    VIEWER = "viewer"


def permit(role: Role, said: object) -> None:
    """Raise UsageError if `role` may not send this message (control/protocol.py)."""
    if role is Role.OWNER:
        return
    if role is Role.VIEWER:
        raise UsageError("this link only shows the picture")
    [(key, value)] = said.items() if isinstance(said, dict) and len(said) == 1 else [("", None)]
    wanted = value if key == "verb" else key
    known = GUEST_VERBS if key == "verb" else GUEST_VALUES
    if not isinstance(wanted, str) or wanted not in known:
        raise UsageError(f"guests may not use {str(wanted)[:40]!r}; the owner's link can")


def sees(role: Role, field: str) -> bool:
    """Whether `role` is told that field of the settings."""
    return role is Role.OWNER or (role is Role.GUEST and field in GUEST_FIELDS)


def may_use(role: Role, verb: str | None) -> bool:
    """Whether `role` may use that verb; None is what a client does by itself."""
    return role is Role.OWNER or verb is None or (role is Role.GUEST and verb in GUEST_VERBS)
