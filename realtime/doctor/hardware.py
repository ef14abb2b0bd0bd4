"""Checks of the hardware in use: processor, accelerators, cameras, displays; and encoders."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import platformdirs

from models.errors import SinkFault
from models.system.machine import this_machine
from realtime.doctor.check_result import CheckResult, fail, ok, warn

SYSFS = Path("/sys/class/video4linux")
RELOAD = (
    "sudo modprobe -r v4l2loopback && "
    "sudo modprobe v4l2loopback exclusive_caps=1 card_label=stylecam"
)
ROOM = 2e9
"""Bytes: about an hour at 1280x720."""
LOOPBACK = Path("/sys/module/v4l2loopback")


def check_processor() -> Iterator[CheckResult]:
    """Report the processor, and whether it has fast vector instructions."""
    machine = this_machine()
    slow = machine.instruction_sets and not {"AVX2", "NEON"} & set(machine.instruction_sets)
    if slow:
        yield warn("processor", str(machine), "without AVX2, expect a low frame rate")
    else:
        yield ok("processor", str(machine))


def check_providers() -> Iterator[CheckResult]:
    """Report the devices that ONNX Runtime can use."""
    import onnxruntime

    from realtime.inference.backends.providers import PROVIDERS

    there = set(onnxruntime.get_available_providers())
    labels = [provider.label for provider in PROVIDERS.values() if provider.name in there]
    if labels == ["CPU"]:
        yield ok("devices", "CPU; a GPU needs another build of ONNX Runtime (docs/gpu.md)")
    else:
        yield ok("devices", ", ".join(labels))


def check_openvino() -> Iterator[CheckResult]:
    """Report whether OpenVINO is installed; it is optional."""
    version = installed_version("openvino")
    if version is None:
        yield ok("OpenVINO", "not installed; optional (pip install 'stylecam[openvino]')")
    else:
        yield ok("OpenVINO", f"{version}; used by --backend openvino")


def installed_version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def check_cameras(root: Path = SYSFS) -> Iterator[CheckResult]:
    """List the cameras by name, and those without access permission."""
    from realtime.sources.camera_list import list_cameras

    if sys.platform != "linux":
        yield ok("cameras", "addressed by index on this system: --source 0, 1, …")
        return
    cameras = list_cameras(root)
    closed = [camera for camera in cameras if not can_open(camera.path)]
    if closed:
        yield warn(
            "cameras",
            f"no permission to open {', '.join(map(str, closed))}",
            "sudo usermod --append --groups video $USER, then log in again",
            fix="sudo usermod --append --groups video $USER",
        )
    if cameras:
        yield ok("cameras", ", ".join(map(str, cameras)))
    else:
        yield warn("cameras", "none", "plug one in; until then `run` shows the built-in demo")


def can_open(device: Path) -> bool:
    """Whether a device file may be opened; True for a missing file, which is not checked here."""
    return not device.exists() or os.access(device, os.R_OK | os.W_OK)


def check_virtual_camera(
    module: Path = LOOPBACK,
    platform: str = sys.platform,
    why_no_pipewire: Callable[[], str | None] | None = None,
) -> Iterator[CheckResult]:
    """Check that other programs can use the output as a camera.

    `why_no_pipewire` says why PipeWire cannot give one (None: it can).
    """
    from realtime.sinks.virtual_camera import pipewire_node
    from realtime.sinks.virtual_camera.devices import REMEDIES

    if platform != "linux":
        yield ok("virtual camera", "provided by OBS; checked when `--sink virtual-camera` starts")
        return
    if not module.is_dir():
        without = (why_no_pipewire or pipewire_node.why_no_pipewire)()
        if without is None:
            yield ok("virtual camera", "a node of PipeWire; v4l2loopback is not loaded")
            return
        command = REMEDIES["linux"].splitlines()[-1].strip()
        detail = f"v4l2loopback is not loaded, and PipeWire gives none ({without})"
        yield warn("virtual camera", detail, REMEDIES["linux"], fix=command)
        return
    flags = module / "parameters" / "exclusive_caps"
    exclusive = flags.read_text().strip().split(",") if flags.is_file() else []
    if "Y" not in exclusive:
        yield warn(
            "virtual camera",
            "v4l2loopback is loaded without exclusive_caps: Chrome will not list it",
            RELOAD,
            fix=RELOAD,
        )
    else:
        yield ok("virtual camera", "v4l2loopback with exclusive_caps")


def check_disk(folder: Path | None = None) -> Iterator[CheckResult]:
    """Check that recordings have room."""
    folder = folder or platformdirs.user_videos_path()
    there = next((path for path in (folder, *folder.parents) if path.is_dir()), Path("/"))
    free = shutil.disk_usage(there).free
    detail = f"{free / 1e9:.1f} GB free for recordings ({folder})"
    if free < ROOM:
        yield warn("disk", detail, "make room, or name another place: recording.folder in a config")
    else:
        yield ok("disk", detail)


def check_display() -> Iterator[CheckResult]:
    """Check that OpenCV loads and can open a window."""
    try:
        import cv2
    except ImportError as error:
        yield fail(
            "OpenCV",
            str(error).splitlines()[0],
            "sudo apt install libgl1 libglib2.0-0; or pip install opencv-python-headless instead "
            "of opencv-python (no window then)",
        )
        return
    yield ok("OpenCV", cv2.__version__)
    from realtime.sinks.window import display_available

    if display_available():
        yield ok("window", "display found")
    else:
        yield warn(
            "window",
            "no display, or OpenCV was built without GUI support",
            "use --sink web instead",
        )


def check_microphones() -> Iterator[CheckResult]:
    """Name the microphones that --microphone can record; they are optional."""
    from realtime.sinks.recording.microphone.device import INSTALL, microphones

    if installed_version("miniaudio") is None:
        yield ok("microphones", f"cannot be recorded; optional ({INSTALL})")
        return
    try:
        found = microphones()
    except SinkFault:  # without a sound system there are none
        found = []
    if found:
        yield ok("microphones", ", ".join(found))
    else:
        yield warn("microphones", "none", "plug one in; recordings have no sound without one")


def check_encoder() -> Iterator[CheckResult]:
    """Report what recordings can be encoded as, and by what."""
    from realtime.config.video_codecs import NAMES
    from realtime.sinks.recording.video.encoder_choice import encodable

    found = encodable()
    shown = "; ".join(f"{NAMES[codec]} ({', '.join(names)})" for codec, names in found.items())
    if not found:
        yield fail("recording", "this PyAV has no video encoder", "pip install --upgrade av")
    elif "h264" not in found:
        yield warn("recording", f"no H.264, so larger files: {shown}", "pip install --upgrade av")
    else:
        yield ok("recording", shown)
