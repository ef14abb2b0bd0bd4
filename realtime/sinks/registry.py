"""Makes the sink that a text means: "window", "web:8080", "file:out.mp4", or just "out.mp4"."""

import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from models.errors import UsageError, lookup
from realtime.config.schema import Config
from realtime.control.hotkeys import LockedKeys, apply_hotkey
from realtime.control.state import SettingsStore
from realtime.sinks import Sink

if TYPE_CHECKING:
    from realtime.control.web.server import ControlServer
    from realtime.sinks.recording.microphone.microphone import Microphone


@dataclass(frozen=True)
class SinkContext:
    """What sinks need to know of the rest of a run.

    `control` gives the control server at a port (None: the usual one). `source` is the file that
    frames come from, which no sink may replace; `audio_from` is the file, or the address of one,
    whose sound goes into recordings, else that of `microphone` does.
    """

    config: Config
    box: SettingsStore
    control: "Callable[[int | None], ControlServer]"
    source: Path | None = None
    audio_from: Path | str | None = None
    microphone: "Microphone | None" = None


@dataclass(frozen=True)
class SinkKind:
    """How one kind of sink is made from the argument after its colon, and if that is needed."""

    make: Callable[[str, str, SinkContext], Sink]
    argument: Literal["none", "optional", "required"]


def make_sink(spec: str, context: SinkContext) -> Sink:
    """The sink that `spec` means, not yet open; its name is `spec`.

    Raises UsageError for an unknown kind, an invalid port, or a file that may not be replaced.
    """
    kind, argument = parse(spec)
    return KINDS[kind].make(spec, argument, context)


def check_duplicates(specs: list[str]) -> None:
    """Raise UsageError if two of them mean the same sink, even one file by two names."""
    seen: dict[tuple[str, str], str] = {}
    for spec in specs:
        kind, argument = parse(spec)
        if kind in EXAMPLES:
            argument = os.path.realpath(argument)
        if (kind, argument) in seen:
            first = seen[kind, argument]
            again = "" if first == spec else f", as {first} and as {spec}"
            raise UsageError(f"the sink {spec} is given twice{again}")
        seen[kind, argument] = spec


def parse(spec: str) -> tuple[str, str]:
    """The key of KINDS, and the argument after the colon ("" for none). Raises UsageError."""
    kind, colon, argument = spec.partition(":")
    if kind not in KINDS:
        # A bare path; on Windows it may begin with a drive letter and a colon.
        return _kind_of_file(spec), spec
    wanted = KINDS[kind].argument
    if wanted == "required" and not argument:
        raise UsageError(f"{spec}: needs a path, like {kind}:{EXAMPLES[kind]}")
    if wanted == "none" and colon:
        raise UsageError(f"{spec}: {kind} takes no argument")
    return kind, argument


def _kind_of_file(spec: str) -> str:
    from models.pictures import WRITTEN_SUFFIXES
    from realtime.sinks.recording.video.containers import CONTAINERS

    suffix = Path(spec).suffix.lower()
    if suffix in CONTAINERS or suffix == ".gif":
        return "file"
    if suffix in WRITTEN_SUFFIXES:
        return "image"
    lookup("sink", spec.partition(":")[0], KINDS)
    raise AssertionError("lookup found what parse did not")


def _window(spec: str, argument: str, context: SinkContext) -> Sink:
    from realtime.sinks.window_process.sink import WindowProcess

    wanted, kiosk = context.config.window, context.config.kiosk
    usual = partial(apply_hotkey, context.box)
    return WindowProcess(
        spec,
        on_key=LockedKeys(context.box, kiosk.pin) if kiosk.enabled else usual,
        title=wanted.title,
        fullscreen=wanted.fullscreen,
        kiosk=kiosk.enabled,
    )


def _virtual_camera(spec: str, argument: str, context: SinkContext) -> Sink:
    from realtime.sinks.virtual_camera.sink import CameraFeed, VirtualCameraSink

    wanted = context.config.virtual_camera
    feed: CameraFeed | None = None
    if sys.platform == "linux" and wanted.outlive > 0:
        from realtime.sinks.virtual_camera.camera_process import CameraProcess

        feed = CameraProcess(outlive=wanted.outlive, outlive_stop=wanted.outlive_stop)
    return VirtualCameraSink(
        spec,
        device=argument or wanted.device,
        backend=wanted.backend,
        fps=wanted.fps,
        on_demand=wanted.on_demand,
        feed=feed,
    )


def _web(spec: str, argument: str, context: SinkContext) -> Sink:
    from realtime.sinks.web import WebSink

    server = context.control(_port(spec, argument) if argument else None)
    return WebSink(spec, server=server, quality=context.config.web.quality)


def _port(spec: str, text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise UsageError(f"{spec}: {text!r} is not a port; give a number from 1 to 65535")
    return int(text)


def _file(spec: str, argument: str, context: SinkContext) -> Sink:
    from realtime.sinks.recording.animation_file import FORMATS, AnimationFile
    from realtime.sinks.recording.recorder import Recorder
    from realtime.sinks.recording.split_recorder import SplitRecorder

    path, wanted = Path(argument), context.config.recording
    check_overwrite([path], context)
    if path.suffix.lower() in FORMATS:
        return AnimationFile(path, name=spec, quality=wanted.quality)
    record = partial(
        Recorder,
        crf=wanted.crf,
        codec=wanted.codec,
        encoder=wanted.encoder,
        microphone=context.microphone,
    )
    if context.audio_from is None and (wanted.split or wanted.split_size):
        return SplitRecorder(
            path,
            record,
            name=spec,
            seconds=wanted.split,
            size=None if wanted.split_size is None else wanted.split_size * 1e6,
        )
    return record(path, name=spec, audio_from=context.audio_from)


def _image(spec: str, argument: str, context: SinkContext) -> Sink:
    from realtime.sinks.image_file import ImageFile

    sink = ImageFile(argument, name=spec, quality=context.config.recording.quality)
    check_overwrite(sink.existing(), context)
    return sink


def check_overwrite(written: Iterable[Path], context: SinkContext) -> None:
    """Raise UsageError if an existing file would be lost; --force never allows the source's own."""
    for path in filter(Path.is_file, written):
        if context.source is not None and path.samefile(context.source):
            raise UsageError(f"{path}: is the source itself; choose another name")
        if not context.config.recording.overwrite:
            raise UsageError(f"{path}: already exists; use --force to overwrite it")


def _null(spec: str, argument: str, context: SinkContext) -> Sink:
    from realtime.sinks.null import Null

    return Null(name=spec)


KINDS: dict[str, SinkKind] = {
    "window": SinkKind(_window, "none"),
    "web": SinkKind(_web, "optional"),
    "virtual-camera": SinkKind(_virtual_camera, "optional"),
    "file": SinkKind(_file, "required"),
    "image": SinkKind(_image, "required"),
    "null": SinkKind(_null, "none"),
}

EXAMPLES = {"file": "out.mp4", "image": "out.png"}
"""An example argument for each kind whose argument is a path."""
