"""Lists the cameras of this machine, and tells which of them one that was seen before is."""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SYSFS = Path("/sys/class/video4linux")


@dataclass(frozen=True, slots=True)
class CameraInfo:
    """One camera: OpenCV's index, the name that its driver gives, and its device file.

    `model` is the USB vendor and product ("046d:0825"), `serial` what its maker wrote into it,
    `port` where it is plugged in. Each is "" if the system does not tell.
    """

    index: int
    name: str
    path: Path
    model: str = ""
    serial: str = ""
    port: str = ""

    def __str__(self) -> str:
        return f"{self.index} ({self.name})"


def list_cameras(root: Path = SYSFS) -> list[CameraInfo]:
    """The cameras that Linux lists, real ones before virtual ones; on other systems none.

    There, listing would mean opening each camera, which lights its lamp; so users give an index.
    """
    found = []
    for entry in root.glob("video*"):
        number = entry.name.removeprefix("video")
        # A webcam's further nodes (index above 0) carry metadata, not pictures.
        if number.isdecimal() and _text(entry / "index", "0") == "0":
            info = _describe(entry, int(number))
            found.append(("virtual" in entry.resolve().parts, info.index, info))
    return [info for *_, info in sorted(found, key=lambda item: item[:2])]


def _describe(entry: Path, index: int) -> CameraInfo:
    # `device` is the USB interface; the folder around it is the USB device. A virtual camera has
    # no `device`, and its own folder stays the same.
    interface = entry / "device"
    port = (interface if interface.exists() else entry).resolve()
    vendor, product = (_text(port.parent / f"id{what}", "") for what in ("Vendor", "Product"))
    return CameraInfo(
        index,
        _text(entry / "name", "unnamed"),
        Path("/dev") / entry.name,
        model=f"{vendor}:{product}" if vendor else "",
        serial=_text(port.parent / "serial", "") if vendor else "",
        port=str(port),
    )


def _text(path: Path, default: str) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return default


def find_again(
    wanted: CameraInfo, present: Sequence[CameraInfo], others: Sequence[CameraInfo]
) -> CameraInfo | None:
    """Which of the cameras `present` is `wanted`, whatever its number is now; None if it is gone.

    `others` were present beside it. Name, model and serial number must be the same. Cameras of
    one model may share these: then the same port decides, and one that was there before, at its
    own port, is never taken. What is not on USB has to be at the same port.
    """
    same = [camera for camera in present if _kind(camera) == _kind(wanted)]
    for camera in same:
        if camera.port == wanted.port:
            return camera
    elsewhere = [c for c in same if c.model and c.port not in {other.port for other in others}]
    return elsewhere[0] if len(elsewhere) == 1 else None


def _kind(camera: CameraInfo) -> tuple[str, str, str]:
    return camera.name, camera.model, camera.serial


def device_number(which: str | None) -> int | None:
    """The index of a device file, /dev/video2 or a link to it such as /dev/v4l/by-id/…"""
    if which is None or not which.startswith("/dev/"):
        return None
    match = re.fullmatch(r"/dev/video(\d+)", str(Path(which).resolve()))
    return int(match[1]) if match else None


def found(cameras: list[CameraInfo]) -> str:
    """For a message: the cameras to choose from."""
    if cameras:
        return f"found: {', '.join(map(str, cameras))}"
    return "none was found" if sys.platform == "linux" else "here a camera is called by index (0)"
