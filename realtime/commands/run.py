"""`stylecam run`: paints a live or recorded source into windows, files, the web or a camera."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast, get_args

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from models.system.printable import printable
from realtime.config.schema import Config, overridden, user_config_file
from realtime.config.video_codecs import Codec
from realtime.control.state import VIEWS
from realtime.control.status_line import StatusLine, StatusReporter, key_lines
from realtime.frames.frame import FrameFormat
from realtime.frames.size import FIT_MODES, LAYOUTS
from realtime.inference.backends.registry import BACKENDS, DEVICES
from realtime.sources import Source

if TYPE_CHECKING:
    from realtime.pipeline.pipeline import Pipeline

DEFAULTS = Config()

KEYS = {
    "source": "source.input",
    "more": "source.more",
    "layout": "source.layout",
    "size": "source.size",
    "fps": "source.fps",
    "fit": "source.fit",
    "start": "source.start",
    "end": "source.end",
    "loop": "source.loop",
    "sinks": "sinks",
    "style": "style.name",
    "blend_with": "style.blend_with",
    "blend": "style.blend",
    "strength": "style.strength",
    "view": "style.view",
    "mirror": "style.mirror",
    "mirror_own": "style.mirror_own",
    "preserve_colours": "style.preserve_colours",
    "enhance": "style.enhance",
    "zoom": "style.zoom",
    "rotate": "style.rotation",
    "shuffle": "style.shuffle",
    "fade": "style.fade",
    "device": "processing.device",
    "backend": "processing.backend",
    "threads": "processing.threads",
    "half": "processing.half",
    "process_size": "processing.size",
    "scale": "processing.scale",
    "target_fps": "processing.target_fps",
    "cpu_budget": "processing.cpu_budget",
    "smoothing": "processing.smoothing",
    "skip_static": "processing.skip_static",
    "fullscreen": "window.fullscreen",
    "midi": "remote.midi",
    "osc": "remote.osc",
    "hotkeys": "remote.hotkeys",
    "kiosk": "kiosk.enabled",
    "pin": "kiosk.pin",
    "control": "web.control",
    "host": "web.host",
    "codec": "recording.codec",
    "microphone": "recording.microphone",
    "force": "recording.overwrite",
    "frames": "limit.frames",
    "duration": "limit.duration",
    "verbose": "verbose",
}
"""Option name to dotted key of the config."""
FLAGS = {"sinks": "--sink", "more": "--source"}
"""Those that are not called like their option."""
CODEC_HELP = "What recordings are encoded as.  [h264; .webm: vp9]"
VERBOSE_EVERY = 5.0
INTERRUPTED = 130


@click.command()
@click.option(
    "--source",
    "sources",
    multiple=True,
    metavar="WHAT",
    help="Camera (0, name, device), video, picture, folder, "
    "rtsp:// or http:// address, or demo; may be repeated.  [the first camera, else demo]",
)
@click.option("--layout", type=click.Choice(LAYOUTS), help="How several sources share the picture.")
@click.option(
    "--sink",
    "sinks",
    multiple=True,
    metavar="WHERE",
    help="window, web[:PORT], "
    "virtual-camera[:DEVICE], file:OUT.mp4, image:OUT.png or null; may be repeated.  "
    "[window, else web]",
)
@click.option(
    "--style",
    metavar="NAME",
    help=f"A style (`stylecam styles`) or a .onnx file.  [{DEFAULTS.style.name}]",
)
@click.option("--blend-with", metavar="NAME", help="A second style that is mixed in.")
@click.option("--blend", type=float, help="Its share, 0 to 1.  [0.5]")
@click.option("--strength", type=float, help="From 0 (the original picture) to 1 (fully stylized).")
@click.option("--size", metavar="WxH", help="Output size.  [the source's]")
@click.option("--fps", type=float, help="Frame rate to request from the source.")
@click.option(
    "--fit", type=click.Choice(FIT_MODES), help="How frames of another size are fitted to --size."
)
@click.option("--view", type=click.Choice(VIEWS), help="What the outputs show.")
@click.option("--mirror/--no-mirror", default=None, help="Mirror the picture.")
@click.option(
    "--mirror-own/--no-mirror-own", default=None, help="Mirror it in window and page only."
)
@click.option(
    "--preserve-colours/--no-preserve-colours",
    default=None,
    help="Paint light and dark only, in the camera's colours.",
)
@click.option("--enhance", type=float, help="Sharpen the finished picture, 0 to 1.")
@click.option("--zoom", type=float, help="Show the middle of the picture larger, 1 to 4.")
@click.option("--rotate", type=int, help="Turn the picture clockwise by 90, 180 or 270 degrees.")
@click.option("--shuffle", metavar="TIME", help="Another style every so often. Live only.")
@click.option(
    "--fade",
    metavar="TIME",
    help="For how long one style fades into the next. Live only.  [300 ms]",
)
@click.option("--start", metavar="TIME", help="Where in a video file to begin: 90, 1:30.")
@click.option("--end", metavar="TIME", help="Where in a video file to stop.")
@click.option("--loop/--no-loop", default=None, help="Repeat a video or folder endlessly.")
@click.option(
    "--device",
    type=click.Choice(DEVICES),
    help=f"Device that runs the generator.  [{DEFAULTS.processing.device}]",
)
@click.option(
    "--backend",
    type=click.Choice(sorted(BACKENDS)),
    help=f"Runtime that runs the generator.  [{DEFAULTS.processing.backend}]",
)
@click.option("--threads", type=int, help="CPU threads.  [one per physical core]")
@click.option("--half/--no-half", default=None, help="Half precision (fp16).  [on a GPU]")
@click.option("--process-size", metavar="WxH", help="Paint at most at this size, then enlarge.")
@click.option(
    "--scale",
    type=float,
    help="Paint at this fraction of the size, then enlarge.  [live: 360 lines or more]",
)
@click.option("--target-fps", type=float, help="Paint smaller to hold this frame rate. Live only.")
@click.option(
    "--cpu-budget",
    metavar="SHARE",
    help="Paint smaller, then skip frames, to use no more of the CPU than this, like 50%. "
    "Live only.",
)
@click.option(
    "--smoothing",
    type=float,
    help="How long the painting stays where nothing moves, 0 to 1.  [0.7 live, else 0]",
)
@click.option(
    "--skip-static/--no-skip-static",
    default=None,
    help="Do not repaint an unchanged scene. Live only.  [skip]",
)
@click.option("--fullscreen/--no-fullscreen", default=None, help="Open the window full screen.")
@click.option(
    "--kiosk/--no-kiosk",
    default=None,
    help="For a screen that anybody may touch: full screen, keys and page for guests only.",
)
@click.option("--pin", metavar="DIGITS", help="Digits that unlock a kiosk.")
@click.option("--midi", metavar="PORT", help="MIDI port to obey: a part of its name, or virtual.")
@click.option("--osc", type=int, metavar="PORT", help="UDP port to take OSC at.")
@click.option(
    "--hotkeys/--no-hotkeys",
    default=None,
    help="Ctrl+Alt with a key works in every program (not under Wayland).",
)
@click.option(
    "--control/--no-control",
    default=None,
    help="Serve the page as a remote control, even if no web sink shows the picture on it.",
)
@click.option(
    "--host",
    metavar="ADDRESS",
    help=f"Address that the page listens on.  [{DEFAULTS.web.host}]",
)
@click.option("--codec", type=click.Choice(get_args(Codec)), help=CODEC_HELP)
@click.option(
    "--microphone",
    metavar="NAME",
    help="Record its sound, too: default, or a part of its name. Live only.  [none]",
)
@click.option("--frames", type=int, help="Stop after N frames.")
@click.option("--duration", metavar="TIME", help="Stop after this time: 90, 500 ms, 1.5 min.")
@click.option("--force", is_flag=True, default=None, help="Overwrite existing files.")
@click.option("--verbose", is_flag=True, default=None, help="Print frame rates every few seconds.")
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Config file; config.yaml in the repository lists all settings.",
)
def run(config_path: Path | None, **options: Any) -> None:
    """Stylize a camera, video or stream in real time, and show, record or serve it.

    \b
    stylecam run --style the-scream
    stylecam run --source clip.mp4 --sink file:painted.mp4
    stylecam run --sink virtual-camera --sink window --size 1280x720
    """
    config = read_config(config_path, options)
    with message_console() as console:
        line = StatusLine(console.file, lambda: console.width)

        def say(text: str) -> None:
            line.message(lambda: console.print(printable(text), markup=False))

        file = _config_file(config_path)
        run_pipeline(
            config,
            say,
            console,
            line=line,
            config_file=file,
            reread=lambda: read_config(config_path, options),
        )


@contextmanager
def message_console() -> Iterator[Console]:
    """A console on standard error; printing to it never fails and never blocks."""
    from realtime.message_stream import MessageStream

    stream = MessageStream(sys.stderr)
    try:
        yield Console(file=cast(IO[str], stream), highlight=False, soft_wrap=True)
    finally:
        stream.close()


def read_config(path: Path | None, options: dict[str, Any]) -> Config:
    """The config file's settings (or the defaults), overridden by flags. Raises UsageError."""
    from realtime.config.yaml_file import load_config

    found = _config_file(path)
    config = load_config(found) if found else Config()
    options = _with_sources(options)
    given = {k: list(v) if k == "sinks" else v for k, v in options.items() if v not in (None, ())}
    values = {KEYS[name]: value for name, value in given.items()}
    flags = {KEYS[name]: FLAGS.get(name) or _flag(name) for name in given}
    return overridden(config, values, flags)


def _with_sources(options: dict[str, Any]) -> dict[str, Any]:
    """The options with `source` and `more` for what was named; it replaces all of the file's."""
    first, *more = options.get("sources") or (None,)
    own = {name: value for name, value in options.items() if name != "sources"}
    return own if first is None else own | {"source": first, "more": more}


def _config_file(given: Path | None) -> Path | None:
    own = user_config_file()
    return given or (own if own.is_file() else None)


def _flag(option: str) -> str:
    return "--" + option.replace("_", "-")


def run_pipeline(
    config: Config,
    say: Callable[[str], None],
    console: Console,
    *,
    line: StatusLine | None = None,
    config_file: Path | None = None,
    reread: Callable[[], Config] | None = None,
) -> None:
    """Do the whole run that `config` describes, and report on it. Raises the error that ended it.

    With `line`, keys typed in the terminal control the run and show its state there, and
    `stylecam ctl` finds it; `reread` gives the config again when `config_file` was edited.
    """
    from models.system.stop_signals import stopping
    from realtime.build import build
    from realtime.pipeline.interruptible import run_interruptibly

    if not config.sinks:
        config = config.model_copy(update={"sinks": [_default_sink(say)]})
    progress = _ProgressReport(config, say, console)
    composition = run_interruptibly(
        lambda: build(
            config,
            on_message=say,
            on_progress=progress.painted,
            control_socket=line is not None,
            config_file=config_file,
            reread=reread,
        ),
        name="build",
    )
    pipeline = composition.pipeline
    say(f"generator: {composition.generator}")
    with stopping(pipeline.stop):
        incoming, outgoing = pipeline.start()
        say(_source_line(config, composition.source, incoming))
        for sink in composition.sinks:
            say(f"sink: {sink.url or sink.name}, {_format(outgoing)}")
        for server in composition.servers:
            if not server.has_picture:
                say(f"control: {server.url}")
            for role, link in server.links.items():
                say(f"link for the {role}: {link}")
        progress.begin(pipeline.report, incoming, offline=not pipeline.live)
        try:
            with nullcontext() if line is None else _terminal(pipeline, line, say):
                pipeline.run()
        finally:
            progress.end()
    if pipeline.interrupted and not pipeline.live:
        say("interrupted: the outputs hold what was painted so far")
        raise click.exceptions.Exit(INTERRUPTED)


@contextmanager
def _terminal(pipeline: "Pipeline", line: StatusLine, say: Callable[[str], None]) -> Iterator[None]:
    """While open, keys typed in the terminal control the run; each shows the state in `line`."""
    from realtime.control.hotkeys import KEYS, apply_hotkey
    from realtime.control.terminal import TerminalKeys

    with ExitStack() as stack:
        # A run from file to file may show a progress bar there.
        reporter = StatusReporter(line, lambda: pipeline.box.current, pipeline)
        if pipeline.live:
            stack.enter_context(reporter)

        def on_key(key: str) -> None:
            apply_hotkey(pipeline.box, key)
            if KEYS.get(key.lower()) == "help" and pipeline.box.current.help:
                say("\n".join(key_lines()))
            reporter.key_pressed()

        stack.enter_context(TerminalKeys(on_key))
        yield


def _default_sink(say: Callable[[str], None]) -> str:
    from realtime.sinks.window import display_available

    if display_available():
        return "window"
    say("no display here: opening the web preview (--sink names another)")
    return "web"


def _source_line(config: Config, source: Source, incoming: FrameFormat) -> str:
    from realtime.sources.stream import without_password

    names = [config.source.input or source.label, *config.source.more]
    named = " and ".join(without_password(name) for name in names)
    return f"source: {named}, {_format(incoming)}"


def _format(frames: FrameFormat) -> str:
    return f"{frames.width}x{frames.height}, {frames.fps:g} frames/s"


class _ProgressReport:
    """Shows progress: a bar if the end is known and nothing is live, else a line if asked."""

    def __init__(self, config: Config, say: Callable[[str], None], console: Console) -> None:
        self._say, self._console = say, console
        self._verbose, self._limit = config.verbose, config.limit.frames
        self._line: Callable[[], str] | None = None
        self._bar: Progress | None = None
        self._next = time.monotonic() + VERBOSE_EVERY

    def begin(self, line: Callable[[], str], incoming: FrameFormat, *, offline: bool) -> None:
        self._line = line
        totals = [n for n in (incoming.frame_count, self._limit) if n is not None]
        if offline and totals and self._console.is_terminal:
            columns = (
                TextColumn("painting"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
            )
            bar = Progress(*columns, console=self._console)
            bar.add_task("", total=min(totals))
            bar.start()
            self._bar = bar  # from here on the painting thread sees it

    def painted(self, count: int) -> None:
        """Called after each frame by the painting thread."""
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=count)
        elif self._verbose and self._line is not None and time.monotonic() > self._next:
            self._next = time.monotonic() + VERBOSE_EVERY
            self._say(self._line())

    def end(self) -> None:
        if self._bar is not None:
            self._bar.stop()
        if self._line is not None:
            self._say(self._line())
