"""Builds a pipeline from a Config: the one place that knows all the parts."""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from models.catalogue import user_folder
from models.errors import SinkFault, StylecamError, lookup
from models.pictures import RGB
from realtime.config.file_watch import FileWatch
from realtime.config.live_reload import ConfigReload
from realtime.config.schema import (
    Config,
    LimitConfig,
    ProcessingConfig,
    RecordingConfig,
    RemoteConfig,
)
from realtime.config.video_codecs import check_holds
from realtime.control.gallery import Gallery
from realtime.control.local.server import ControlSocket
from realtime.control.monitor import Monitor
from realtime.control.remote.global_keys import GlobalKeys
from realtime.control.remote.midi import MidiInput, checked_map
from realtime.control.remote.osc import OscServer
from realtime.control.state import MIXTURE, Settings, SettingsStore, with_styles
from realtime.frames.size import Size
from realtime.inference.backends import Backend
from realtime.inference.backends.registry import make_backend
from realtime.inference.backends.restarting import RestartingBackend
from realtime.inference.catalogue import RunCatalogue
from realtime.inference.stylizer import Stylizer
from realtime.pipeline.capture import Limits
from realtime.pipeline.pipeline import Pipeline, Plan, Service
from realtime.pipeline.saving import SaveTargets
from realtime.pipeline.several.sources import NamedSource, SeveralSources
from realtime.service.notify import SystemdNotifier
from realtime.sinks import Sink
from realtime.sinks.image_file import write_picture
from realtime.sinks.registry import SinkContext, check_duplicates, make_sink
from realtime.sinks.wrapper import SinkWrapper
from realtime.sources import Source
from realtime.sources.default_source import DefaultSource
from realtime.sources.registry import make_source, source_kind
from realtime.sources.stream import without_password

if TYPE_CHECKING:
    from realtime.control.web.server import ControlServer
    from realtime.sinks.recording.microphone.microphone import Microphone

RECONNECTABLE_KINDS = frozenset({"camera", "device", "stream"})
"""Sources that may recover from a fault."""
IDLE_KINDS = frozenset({"camera", "device", "demo", "image"})
"""Sources that may be read rarely: they have no end, and no sender that fills a buffer."""
OVERLAY_SINKS = frozenset({"window"})
"""Sinks that get help and status drawn on the picture; the web page draws its own."""


@dataclass(frozen=True)
class PreparedRun:
    """A pipeline ready to start; `generator` says in words which style runs on what."""

    pipeline: Pipeline
    source: Source
    sinks: list[Sink]
    servers: "list[ControlServer]"
    generator: str


class ControlServers:
    """The control servers of one run, by port: made when they are first asked for.

    There is one, or none, unless several web sinks name different ports.
    """

    def __init__(
        self, config: Config, box: SettingsStore, styles: RunCatalogue, gallery: Gallery
    ) -> None:
        self._config, self._kiosk = config.web, config.kiosk
        self._box, self._styles, self._gallery = box, styles, gallery
        self.servers: dict[int | None, ControlServer] = {}

    def at(self, port: int | None) -> "ControlServer":
        """The server at `port`; None means the config's."""
        from realtime.control.web.server import ControlServer

        port = port or self._config.port
        if port not in self.servers:
            self.servers[port] = ControlServer(
                self._box,
                host=self._config.host,
                port=port,
                titles=self._styles.titles,
                previews=self._styles.previews,
                gallery=self._gallery,
                kiosk=self._kiosk.enabled,
                pin=self._kiosk.pin if self._kiosk.enabled else None,
            )
        return self.servers[port]


def _for_kiosk(config: Config) -> Config:
    """With pictures that fill the screen, and a page for whoever holds the owner's link."""
    return config.model_copy(
        update={
            "window": config.window.model_copy(update={"fullscreen": True}),
            "source": config.source.model_copy(update={"fit": "crop"}),
            "web": config.web.model_copy(update={"control": True}),
        }
    )


def build(
    config: Config,
    *,
    on_message: Callable[[str], None],
    on_progress: Callable[[int], None] = lambda _: None,
    control_socket: bool = False,
    config_file: Path | None = None,
    reread: Callable[[], Config] | None = None,
) -> PreparedRun:
    """Build everything and load the style; no source and no sink is opened yet.

    With `control_socket`, `stylecam ctl` finds the run while it goes on, and it takes up new
    styles and, with `reread`, changes of `config_file`.
    `config.sinks` must name at least one sink. `on_message` gets lines for the user, from any
    thread; `on_progress` gets the number of painted frames. Raises UsageError and ModelError.
    """
    check_duplicates(config.sinks)
    if config.kiosk.enabled:
        config = _for_kiosk(config)
    styles = RunCatalogue(config.style.name)
    box = SettingsStore(_settings(config, styles))
    kind = "several" if config.source.more else _kind(config.source.input)
    gallery = Gallery(limit=config.gallery.keep, shared_for=config.gallery.shared_for)
    control = ControlServers(config, box, styles, gallery)
    pipeline: Pipeline
    microphone = _microphone(config.recording, lambda text: pipeline.announce(text))  # noqa: PLW0108
    context = _sink_context(config, box, control.at, kind, microphone)
    sinks = [make_sink(spec, context) for spec in config.sinks]
    if any(sink.live for sink in sinks):  # somebody may press the key that records
        recording = config.recording
        check_holds("recording.format", f".{recording.format}", recording.codec)
    if config.web.control and not control.servers:
        control.at(None)
    paced = any(sink.live for sink in sinks)
    source = _source(config, paced=paced, on_message=on_message)
    live = paced or kind == "several" or kind in RECONNECTABLE_KINDS
    stylizer, generator = _stylizer(config, styles, box, on_message, live=live)
    plan = Plan(
        live=paced,
        size=config.source.size,
        fit=config.source.fit,
        limits=Limits(config.limit.frames, config.limit.duration),
        reconnect=config.source.reconnect if kind in RECONNECTABLE_KINDS else 0.0,
        local=OVERLAY_SINKS,
        keep=_save_targets(config, context, gallery),
        titles=styles.titles,
        skip_static=config.processing.skip_static,
        target_fps=config.processing.target_fps,
        cpu_budget=config.processing.cpu_budget,
        may_idle=kind in IDLE_KINDS and config.limit == LimitConfig(),
        fade=config.style.fade,
        attract=config.kiosk.attract if config.kiosk.enabled else 0.0,
        lost=config.source.lost,
        source_name=_source_name(config),
        on_message=on_message,
        on_progress=on_progress,
    )
    servers = list(control.servers.values())
    services: list[Service] = [styles, *servers, *_remotes(config.remote, box, on_message)]
    status = partial(_status, servers, lambda: pipeline, lambda: box.current.styles)
    if control_socket:
        services += _watches(config, styles, box, on_message, config_file, reread)
        services.append(ControlSocket(box, status=status, gallery=gallery, on_message=on_message))
        # Both are asked only once the pipeline exists.
        report = lambda: pipeline.report()  # noqa: E731, PLW0108
        services.append(SystemdNotifier(lambda: pipeline.alive, report))
    pipeline = Pipeline(source, stylizer, sinks, box, plan, services=services)
    for server in servers:
        server.watch(pipeline, status)
    return PreparedRun(pipeline, source, sinks, servers, generator)


def _remotes(wanted: RemoteConfig, box: SettingsStore, say: Callable[[str], None]) -> list[Service]:
    """The optional ways in that are asked for; each loads its packages when it starts."""
    remotes: list[Service] = []
    if wanted.midi is not None:
        remotes.append(MidiInput(box, wanted.midi, checked_map(wanted.midi_map or {}), say=say))
    if wanted.osc is not None:
        remotes.append(OscServer(box, wanted.osc, host=wanted.osc_host, say=say))
    if wanted.hotkeys:
        remotes.append(GlobalKeys(box))
    return remotes


def _watches(
    config: Config,
    styles: RunCatalogue,
    box: SettingsStore,
    say: Callable[[str], None],
    config_file: Path | None,
    reread: Callable[[], Config] | None,
) -> list[Service]:
    """What follows the user's styles and the config file while the run goes on."""

    def refresh_styles() -> None:
        before = box.current.styles
        for problem in styles.refresh():
            say(problem)
        now = box.apply(lambda s: with_styles(s, tuple(styles.paths))).styles
        for words, names in (("new", set(now) - set(before)), ("gone", set(before) - set(now))):
            if names:
                say(f"{words} styles: {', '.join(sorted(names))}")

    folder = user_folder()
    watches: list[Service] = [FileWatch(lambda: folder.glob("*.*"), refresh_styles)]
    if config_file is not None and reread is not None:
        reload = ConfigReload(config, reread, box, say)
        watches.append(FileWatch(lambda: [config_file], reload))
    return watches


def _status(
    servers: "list[ControlServer]",
    run: Callable[[], Monitor],
    styles: Callable[[], tuple[str, ...]],
) -> dict[str, object]:
    """What the control socket tells of the run, besides its settings."""
    monitor = run()
    pages = {server.url: server.access.port for server in servers if server.access and server.url}
    return {
        "process": os.getpid(),
        "styles": list(styles()),
        "source": monitor.source,
        "lost_for": monitor.lost_for,
        "pages": list(pages),
        "ports": list(pages.values()),
        "effort": asdict(monitor.effort),
        **asdict(monitor.figures()),
    }


def _source_name(config: Config) -> str | None:
    names = [config.source.input, *config.source.more]
    if names[0] is None:
        return None
    return " and ".join(without_password(name) for name in names if name is not None)


def _kind(spec: str | None) -> str:
    """See `source_kind`; None is the first camera."""
    return "camera" if spec is None else source_kind(spec)


def _settings(config: Config, styles: RunCatalogue) -> Settings:
    if config.style.blend_with is not None:
        lookup("style", config.style.blend_with, styles.paths)
    return Settings(
        styles=tuple(styles.paths),
        style=styles.first,
        strength=config.style.strength,
        smoothing=config.processing.smoothing,
        scale=config.processing.scale,
        view=config.style.view,
        mirror=config.style.mirror,
        mirror_own=config.style.mirror_own,
        preserve_colours=config.style.preserve_colours,
        enhance=config.style.enhance,
        zoom=config.style.zoom,
        rotation=config.style.rotation,
        shuffle=config.style.shuffle,
        blend_with=config.style.blend_with,
        blend=config.style.blend,
    )


def _sink_context(
    config: Config,
    box: SettingsStore,
    control: "Callable[[int | None], ControlServer]",
    kind: str,
    microphone: "Microphone | None",
) -> SinkContext:
    wanted = config.source
    file = Path(wanted.input) if wanted.input and kind in ("video", "image") else None
    sound = file if kind == "video" else wanted.input if kind == "stream" else None
    return SinkContext(
        config=config,
        box=box,
        control=control,
        source=file,
        audio_from=None if wanted.loop else sound,
        microphone=microphone,
    )


def _microphone(wanted: RecordingConfig, say: Callable[[str], None]) -> "Microphone | None":
    """Raises UsageError if its package is missing; a microphone that is missing is told later."""
    if wanted.microphone == "none":
        return None
    from realtime.sinks.recording.microphone.device import check_installed
    from realtime.sinks.recording.microphone.microphone import Microphone

    check_installed()
    return Microphone(wanted.microphone, say, delay=wanted.microphone_delay / 1000)


def _save_targets(config: Config, context: SinkContext, gallery: Gallery) -> SaveTargets:
    """Where snapshots and recordings (keys x and r) go: the user's folders, created when needed."""
    snapshots = config.snapshot.folder or platformdirs.user_pictures_path() / "stylecam"
    recordings = config.recording.folder or platformdirs.user_videos_path() / "stylecam"

    def snapshot(rgb: RGB) -> Path:
        path = dated(snapshots, config.snapshot.format)
        try:
            write_picture(path, rgb)
        finally:
            _remove_if_empty(path)
        return path

    overwrite = config.recording.model_copy(update={"overwrite": True})
    reserved = replace(context, config=config.model_copy(update={"recording": overwrite}))

    def recording() -> Sink:
        path = dated(recordings, config.recording.format)
        return _ReservedRecording(make_sink(f"file:{path}", reserved), path)

    return SaveTargets(snapshot, recording, gallery)


class _ReservedRecording(SinkWrapper):
    """A recording into a file that `dated` made; the file is removed if it stays empty."""

    def __init__(self, wrapped: Sink, path: Path) -> None:
        super().__init__(wrapped)
        self._path = path

    def close(self) -> None:
        try:
            super().close()
        finally:
            _remove_if_empty(self._path)


def _remove_if_empty(path: Path) -> None:
    with suppress(OSError):
        if path.stat().st_size == 0:
            path.unlink()


def dated(folder: Path, suffix: str) -> Path:
    """A new, empty file in `folder`, named by the time. Raises SinkFault if that fails.

    The folder is created. The file reserves its name: two that are asked for within a second, even
    by two programs, never get the same.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SinkFault(f"{folder}: cannot create this folder ({error.strerror})") from None
    stem = f"stylecam-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    paths = (
        folder / f"{stem}{again}.{suffix}" for again in chain([""], map("-{}".format, count(2)))
    )
    for path in paths:
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            continue
        except OSError as error:
            raise SinkFault(f"{path}: cannot be written ({error.strerror})") from None
        return path
    raise AssertionError("the numbers have no end")


def _stylizer(
    config: Config,
    styles: RunCatalogue,
    box: SettingsStore,
    on_message: Callable[[str], None],
    *,
    live: bool,
) -> tuple[Stylizer, str]:

    def refused(style: str, error: StylecamError) -> None:
        """Mark a style that cannot be loaded: the key for the next style must get past it."""
        if MIXTURE.fullmatch(style):
            on_message(f"{error}; continuing with {stylizer.style}")
            box.apply(lambda s: replace(s, blend_with=None, refused=(*s.refused, style)))
            return
        on_message(f"{error}; continuing with {stylizer.style}, without {style}")
        box.apply(
            lambda s: replace(
                s,
                refused=(*(name for name in s.refused if name != style), style),
                style=stylizer.style if s.style == style else s.style,
            )
        )

    stylizer = Stylizer(
        styles.find,
        partial(_backend, config.processing, on_message, live),
        scale=config.processing.scale,
        within=config.processing.size,
        keep=config.processing.keep,
        on_fault=refused,
    )
    backend = stylizer.load(box.current.look)
    title = styles.titles[styles.first]
    if config.style.blend_with is not None:
        title += f" with {config.style.blend:.0%} of {styles.titles[config.style.blend_with]}"
    return stylizer, f"{title} ({config.style.name}) on {backend}"


def _backend(
    wanted: ProcessingConfig, on_message: Callable[[str], None], live: bool, threads: int | None
) -> Backend:
    """A backend in so many threads (None: in those wanted); live, it is restarted when it hangs, in
    the end on the CPU."""

    def make_on(device: str) -> Backend:
        return make_backend(
            wanted.backend, device, threads=threads or wanted.threads, half=wanted.half
        )

    if not live:
        return make_on(wanted.device)
    return RestartingBackend(
        partial(make_on, wanted.device), fallback=partial(make_on, "cpu"), on_message=on_message
    )


def _source(config: Config, *, paced: bool, on_message: Callable[[str], None]) -> Source:
    wanted = config.source
    if not wanted.more:
        return _one_source(config, wanted.input, wanted.size, paced, on_message)
    # Each keeps the size that it has: --size is that of the picture that they share.
    named = [
        NamedSource(
            "the first camera" if spec is None else without_password(spec),
            _one_source(config, spec, None, True, on_message),
            wanted.reconnect if _kind(spec) in RECONNECTABLE_KINDS else 0.0,
        )
        for spec in (wanted.input, *wanted.more)
    ]
    return SeveralSources(
        named, layout=wanted.layout, size=wanted.size, fit=wanted.fit, on_message=on_message
    )


def _one_source(
    config: Config,
    spec: str | None,
    size: Size | None,
    paced: bool,
    on_message: Callable[[str], None],
) -> Source:
    wanted = config.source
    width, height = size or (None, None)
    if spec is None:
        return DefaultSource(width=width, height=height, fps=wanted.fps, say=on_message)
    return make_source(
        spec,
        width=width,
        height=height,
        fps=wanted.fps,
        paced=paced,
        loop=wanted.loop,
        start=wanted.start,
        end=wanted.end,
    )
