"""Every setting of `run`, with its type and default; and how flags override a file.

config.yaml in the repository shows each key with a comment. yaml_file.py reads such files.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import platformdirs
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from models.default_style import DEFAULT_STYLE
from models.errors import UsageError
from models.pictures import QUALITY
from realtime.config.units import Seconds, Share, SizeText
from realtime.config.video_codecs import Codec
from realtime.control.state import View
from realtime.control.values import LARGEST_ZOOM, LONGEST_SHUFFLE, SHORTEST_SHUFFLE
from realtime.frames.lost import LostMode
from realtime.frames.size import FitMode, Layout

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
SLOWEST, FASTEST = 0.1, 1000.0
"""Frame rates: a slower source could not be told from one that hangs."""
MOST_SOURCES = 16
"""Even small pictures would be stamps."""
MOST_THREADS = 1024
"""More than any CPU has; starting many more would take minutes."""


def _index_as_text(value: object) -> object:
    """Turn a camera's index, which YAML reads as a number, into text."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _null_as_text(value: object) -> object:
    """Turn the sink `null`, which YAML reads as None if unquoted, into text."""
    return "null" if value is None else value


def _usable_rate(fps: float) -> float:
    if not SLOWEST <= fps <= FASTEST:
        raise ValueError(f"must be from {SLOWEST:g} to {FASTEST:g}")
    return fps


FrameRate = Annotated[Positive, AfterValidator(_usable_rate)]
InputText = Annotated[str, BeforeValidator(_index_as_text)]
SinkText = Annotated[str, BeforeValidator(_null_as_text)]


class Section(BaseModel):
    """A part of the config: immutable, and without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _without_nul(cls, value: object) -> object:
        """No name of a file, device or style holds a NUL, and the system's functions refuse it."""
        texts = value if isinstance(value, list) else [value]
        if any(isinstance(text, str) and "\0" in text for text in texts):
            raise ValueError("must not contain a NUL character")
        return value


class SourceConfig(Section):
    """`input` None means the first camera, or the demo if there is none. Those of `more` are shown
    with it, in one picture; `layout` says how.

    `start` and `end`, in seconds, are the part of a video file that is read (None: to its end).
    `reconnect`, in seconds, applies to cameras and streams; files never come back. `lost` is what
    the outputs show meanwhile.
    """

    input: InputText | None = None
    more: list[InputText] = Field(default=[], max_length=MOST_SOURCES - 1)
    layout: Layout = "side-by-side"
    size: SizeText | None = None
    fps: FrameRate | None = None
    fit: FitMode = "letterbox"
    start: Seconds = 0.0
    end: Seconds | None = None
    loop: bool = False
    reconnect: Seconds = 10.0
    lost: LostMode = "card"

    @model_validator(mode="after")
    def _ends_after_start(self) -> Self:
        if self.end is not None and self.end <= self.start:
            raise ValueError(f"end {self.end:g} s must come after start {self.start:g} s")
        return self


def _usable_shuffle(seconds: float) -> float:
    if seconds != 0 and not SHORTEST_SHUFFLE <= seconds <= LONGEST_SHUFFLE:
        raise ValueError(f"must be 0, or from {SHORTEST_SHUFFLE:g} s to {LONGEST_SHUFFLE:g} s")
    return seconds


class StyleConfig(Section):
    """`blend_with` is a second style, which has the share `blend` of a mixture with the first."""

    name: str = DEFAULT_STYLE
    blend_with: str | None = None
    blend: float = Field(default=0.5, ge=0, le=1)
    strength: float = Field(default=1.0, ge=0, le=1)
    view: View = "styled"
    mirror: bool = False
    mirror_own: bool = False
    preserve_colours: bool = False
    enhance: float = Field(default=0.0, ge=0, le=1)
    zoom: float = Field(default=1.0, ge=1, le=LARGEST_ZOOM)
    rotation: Literal[0, 90, 180, 270] = 0
    shuffle: Annotated[Seconds, AfterValidator(_usable_shuffle)] = 0.0
    fade: Seconds = Field(default=0.3, ge=0, le=10)


class ProcessingConfig(Section):
    """What runs the generator, and at what size; `keep` is how many styles stay loaded.

    `scale` None means the scale that suits the frame size in a live run, and full size otherwise.

    `smoothing` None means what suits a live run, and 0 otherwise. `target_fps`, `cpu_budget` and
    `skip_static`
    apply only to a live run.
    """

    backend: str = "onnx"
    device: str = "auto"
    threads: int | None = Field(default=None, ge=1, le=MOST_THREADS)
    half: bool | None = None
    size: SizeText | None = None
    scale: float | None = Field(default=None, gt=0, le=1)
    target_fps: Positive | None = None
    cpu_budget: Share | None = None
    smoothing: float | None = Field(default=None, ge=0, le=1)
    skip_static: bool = True
    keep: int = Field(default=1, ge=1)


class WindowConfig(Section):
    fullscreen: bool = False
    title: str = "stylecam"


class WebConfig(Section):
    """The control server and its page; `control` starts it without a web sink too."""

    control: bool = False
    host: str = "127.0.0.1"
    port: int | None = Field(default=None, ge=1, le=65535)
    quality: int = Field(default=80, ge=1, le=100)


def _usable_midi_map(own: dict[str, str]) -> dict[str, str]:
    from realtime.control.remote.midi import checked_map

    checked_map(own)
    return own


class RemoteConfig(Section):
    """Ways in that need an extra each: `midi` names a port, `osc` is a UDP port of `osc_host`.

    `midi_map` has controls of the user's own, such as {"note 60": "mirror"}.
    """

    midi: str | None = None
    midi_map: Annotated[dict[str, str], AfterValidator(_usable_midi_map)] | None = None
    osc: int | None = Field(default=None, ge=1, le=65535)
    osc_host: str = "127.0.0.1"
    hotkeys: bool = False


class KioskConfig(Section):
    """A screen that anybody may touch; `pin` unlocks it, `attract` is when styles start to change.

    With `pin` None, only the owner's link and the terminal end it; `attract` 0 means never.
    """

    enabled: bool = False
    pin: Annotated[str, BeforeValidator(_index_as_text), Field(pattern=r"^\d{4,12}$")] | None = None
    attract: Seconds = Field(default=60.0, ge=0)


class GalleryConfig(Section):
    """How many saved files the page lists, and for how long a QR code opens one."""

    keep: int = Field(default=24, ge=1, le=1000)
    shared_for: Seconds = Field(default=3600.0, gt=0)


class VirtualCameraConfig(Section):
    """With `on_demand`, the source rests while nobody reads the camera, where the system tells.

    `outlive` is for how long, in seconds, it stays listed when stylecam is killed (Linux); with
    `outlive_stop` when it is ended, too. 0: it is a part of stylecam.
    """

    device: str | None = None
    backend: str | None = None
    fps: FrameRate | None = None
    on_demand: bool = True
    outlive: Seconds = Field(default=300.0, ge=0, le=86400)
    outlive_stop: bool = False


class RecordingConfig(Section):
    """How the key r records, and how `file:` and `image:` sinks are encoded.

    `crf` is that of videos, `quality` that of JPEG and WebP files, animated ones included.
    `codec` "auto" is H.264, in WebM VP9; `encoder` is "auto" (a chip's for live pictures, where one
    opens), "software", or FFmpeg's name of one.
    `microphone` ("none", "default", or a part of a name) gives live recordings without a source's
    sound theirs; `microphone_delay` ms are added to its times.
    A recording without a source's sound begins a new file after `split` s or `split_size` MB.
    """

    folder: Path | None = None
    format: Literal["mp4", "mkv", "mov", "webm", "avi"] = "mp4"
    codec: Codec = "auto"
    encoder: str = "auto"
    microphone: str = Field(default="none", min_length=1)
    microphone_delay: float = Field(default=0.0, ge=-1000, le=1000)
    crf: int = Field(default=17, ge=0, le=51)
    quality: int = Field(default=QUALITY, ge=1, le=100)
    split: Seconds | None = Field(default=None, ge=1)
    split_size: float | None = Field(default=None, ge=1)
    overwrite: bool = False


class SnapshotConfig(Section):
    folder: Path | None = None
    format: Literal["png", "jpg", "webp"] = "png"


class LimitConfig(Section):
    frames: int | None = Field(default=None, ge=1)
    duration: Seconds | None = Field(default=None, gt=0)


class Config(Section):
    source: SourceConfig = SourceConfig()
    style: StyleConfig = StyleConfig()
    processing: ProcessingConfig = ProcessingConfig()
    sinks: list[SinkText] = []
    window: WindowConfig = WindowConfig()
    web: WebConfig = WebConfig()
    remote: RemoteConfig = RemoteConfig()
    kiosk: KioskConfig = KioskConfig()
    gallery: GalleryConfig = GalleryConfig()
    virtual_camera: VirtualCameraConfig = VirtualCameraConfig()
    recording: RecordingConfig = RecordingConfig()
    snapshot: SnapshotConfig = SnapshotConfig()
    limit: LimitConfig = LimitConfig()
    verbose: bool = False


def user_config_file() -> Path:
    """The file that is read if it exists and no --config is given."""
    return platformdirs.user_config_path("stylecam") / "config.yaml"


def overridden(config: Config, values: Mapping[str, Any], flags: Mapping[str, str]) -> Config:
    """`config` with `values` by dotted key ("source.size"); `flags` has the flag of each key.

    Raises UsageError with one line for every wrong value.
    """
    data = config.model_dump()
    for key, value in values.items():
        section, _, name = key.partition(".")
        if not name:
            data[section] = value
        elif isinstance(data.get(section), dict):
            data[section][name] = value
        else:
            data[section] = {name: value}
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        lines = []
        for problem in problems(error):
            flag = next((f for k, f in flags.items() if _within(problem[0], k)), problem[0])
            lines.append(f"{flag}: {problem[1]}")
        raise UsageError("\n".join(lines)) from None


def _within(key: str, prefix: str) -> bool:
    return key == prefix or key.startswith(f"{prefix}.")


def problems(error: ValidationError) -> list[tuple[str, str]]:
    """For each mistake its dotted key and what is wrong with it, worded for the user."""
    return [(".".join(map(str, e["loc"])), _reason(e)) for e in error.errors()]


def _reason(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return unknown_key(str(error["loc"][-1]), _names_beside(error["loc"]))
    if error["type"] == "literal_error":
        near = get_close_matches(str(error["input"]), error["ctx"]["expected"].split("'"), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return f"must be {error['ctx']['expected']}, not {error['input']!r}{hint}"
    text = error["msg"].removeprefix("Value error, ").removeprefix("Input ")
    text = text.replace("should be", "must be", 1).replace("valid dictionary", "mapping of keys")
    return f"{text}, not {shown(error['input'])}"


def shown(value: object) -> str:
    """A wrong value as a message shows it: at most 60 characters."""
    try:
        text = "nothing" if value is None else repr(value)
    except ValueError:  # Python writes no numbers of more than some thousand digits
        text = "so large a number"
    return text if len(text) <= 60 else text[:57] + "..."


def unknown_key(name: str, known: list[str]) -> str:
    """A message like "unknown key; did you mean 'width'?"."""
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"one of: {', '.join(known)}"
    return f"unknown key; {hint}"


def _names_beside(location: tuple[Any, ...]) -> list[str]:
    """The keys that are allowed in the place of the unknown one."""
    section: Any = Config
    for part in location[:-1]:
        section = section.model_fields[part].annotation
    return list(section.model_fields)
