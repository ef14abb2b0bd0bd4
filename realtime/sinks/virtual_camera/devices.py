"""Opens a virtual camera: one of pyvirtualcam's, or a node of PipeWire. Light to import."""

import sys
from dataclasses import dataclass

from models.errors import SinkFault, lookup
from realtime.sinks.virtual_camera.camera_sender import OpenCamera
from realtime.sinks.virtual_camera.pipewire_node import (
    INSTALL,
    PIPEWIRE,
    PipewireNode,
    why_no_pipewire,
)

REMEDIES = {
    "linux": (
        "load the kernel module v4l2loopback, then start again:\n"
        "  sudo apt install v4l2loopback-dkms && sudo modprobe v4l2loopback"
        " devices=1 exclusive_caps=1 card_label=stylecam\n"
        "or, for browsers and OBS, let PipeWire give one (--sink virtual-camera:pipewire):\n"
        f"  {INSTALL}"
    ),
    "darwin": (
        "install OBS, and let it set up its camera once:\n"
        "  brew install --cask obs\n"
        "  open -a OBS    # press Start Virtual Camera, allow the extension, then quit OBS"
    ),
    "win32": (
        "install OBS, which brings the camera, and keep OBS's own virtual camera off:\n"
        "  winget install OBSProject.OBSStudio\n"
        "or, without OBS, run the Install.bat of Unity Capture as administrator:\n"
        "  https://github.com/schellingb/UnityCapture"
    ),
}
PERMISSION_REMEDY = (
    "join the group `video`, then log in again:\n  sudo usermod --append --groups video $USER"
)


@dataclass(frozen=True)
class CameraSpec:
    """A camera that is wanted. `name` is how messages call it.

    `device` is a camera to use ("/dev/video4", "OBS Virtual Camera", "pipewire"), `backend` one of
    pyvirtualcam's; by default the first that works. Width and height are even, in pixels; `fps` is
    the rate at which it is fed. With `on_demand`, it is watched whether anybody reads it.
    """

    name: str
    device: str | None
    backend: str | None
    width: int
    height: int
    fps: float
    on_demand: bool = True


def open_camera(
    spec: CameraSpec, *, may_be_pipewire: bool, platform: str = sys.platform
) -> OpenCamera:
    """Open it. Raises UsageError for an unknown backend, else SinkFault with what would help.

    On Linux, where no device is named and none works, PipeWire is asked if `may_be_pipewire`.
    """
    if spec.device == PIPEWIRE:
        return PipewireNode(spec.name, spec.width, spec.height, spec.fps)
    try:
        return _pyvirtualcam(spec, platform)
    except SinkFault:
        named = spec.device or spec.backend
        if named or not may_be_pipewire or platform != "linux" or why_no_pipewire():
            raise
    return PipewireNode(spec.name, spec.width, spec.height, spec.fps)


def _pyvirtualcam(spec: CameraSpec, platform: str) -> OpenCamera:
    try:
        import pyvirtualcam
    except (ImportError, OSError) as error:
        raise SinkFault(
            f"{spec.name}: pyvirtualcam cannot be loaded ({error}); "
            "reinstall it: pip install --force-reinstall pyvirtualcam"
        ) from None
    if spec.backend is not None:
        lookup("virtual camera backend", spec.backend, pyvirtualcam.camera.BACKENDS)
    try:
        return pyvirtualcam.Camera(
            width=spec.width,
            height=spec.height,
            fps=spec.fps,
            fmt=pyvirtualcam.PixelFormat.RGB,
            device=spec.device,
            backend=spec.backend,
        )
    except Exception as error:  # backends raise what they like
        raise SinkFault(_no_camera(spec, str(error), platform)) from None


def _no_camera(spec: CameraSpec, reason: str, platform: str) -> str:
    """One line with every backend's reason, then the commands that help."""
    reason = "; ".join(reason.splitlines()) or "no backend for this system"
    if "permission" in reason.lower():
        remedy = PERMISSION_REMEDY
    else:
        remedy = REMEDIES.get(platform, "no virtual camera is known for this system")
    where = f" at {spec.device}" if spec.device else ""
    return f"{spec.name}: no virtual camera{where} ({reason.rstrip('.')}); {remedy}"
