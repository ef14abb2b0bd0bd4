"""Paints frames in the style and strength that the settings say. Frame in, frame out.

A new style is loaded in the background while the old one keeps painting. If the generator fails,
an error is raised; the raw camera picture is never returned instead.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait
from dataclasses import replace
from typing import NamedTuple

from models.card import MINIMUM_SIDE, StyleCard
from models.errors import ModelError, StylecamError
from models.exposure import EasedExposure
from models.pictures import RGB
from models.preparation import Preparation
from models.steadiness.hold import LIVE_SMOOTHING, PaintingHold
from models.system.free_memory import release_free_memory
from realtime.control.state import MIXTURE, Settings
from realtime.frames.frame import Frame
from realtime.frames.resize import resize
from realtime.frames.size import Size, painted_size, processing_size
from realtime.frames.views import blended
from realtime.inference.backends import Backend
from realtime.inference.upsample import enlarged_crisply

LOAD_TIMEOUT = 2.0
"""Seconds that `close` waits for a style being loaded; after that, it is closed once loaded. It
waits as long for those being closed."""


LOADING = 60.0
LOADING_UNWANTED = 3.0
"""Seconds that a style may take to load, and one that is no longer wanted."""


class Generator(NamedTuple):
    """One that paints: its name, and how many threads it has (None: its usual number)."""

    name: str
    threads: int | None = None


class Stylizer:
    """Owns the loaded generators. One thread calls `stylize`; loading has its own thread.

    `find` gives the card of a style by name, and `make_backend` a backend that paints in so many
    threads (None: in its usual number). `on_fault` gets a style that cannot be loaded, once each
    time that it is asked for. `scale` in (0, 1] (None: what suits live frames of the size) and
    `within` make the generator work on a smaller picture; `extra_scale` in (0, 1] shrinks that
    further. `lighter` selects a style's lighter generator if it has one, and `threads` how many
    threads paint. `extra_scale`, `lighter` and `threads` may change between frames. The `keep` most
    recently used models stay loaded, so that going back is instant.
    """

    def __init__(
        self,
        find: Callable[[str], StyleCard],
        make_backend: Callable[[int | None], Backend],
        *,
        keep: int,
        scale: float | None = 1.0,
        within: Size | None = None,
        on_fault: Callable[[str, StylecamError], None] = lambda *_: None,
    ) -> None:
        assert keep >= 1
        self._find, self._make_backend = find, make_backend
        self._scale, self._within, self._capacity = scale, within, keep
        self._on_fault = on_fault
        self.extra_scale = 1.0
        self.lighter = False
        self.threads: int | None = None
        self.usual_threads: int | None = None
        """How many threads paint where `threads` is None; None if that cannot be changed."""
        self._lighter_of: dict[str, str | None] = {}
        self._exposure = EasedExposure()
        self._preparations: dict[str, Preparation] = {}
        self._hold = PaintingHold()
        self._held_for: Hashable = None
        self._smoothing = 0.0
        self._loaded: OrderedDict[Generator, Backend] = OrderedDict()
        self._failed: Generator | None = None
        self._pending: tuple[Generator, Future[Backend]] | None = None
        self._pending_since = 0.0
        self._closing: list[threading.Thread] = []
        self._size: Size | None = None

    def load(self, style: str) -> str:
        """Load `style` and make it the current one; return a line that says what runs it.

        Raises UsageError for an unknown style or device, ModelError for a damaged file.
        """
        generator = Generator(style)
        backend, line = self._make_loaded(generator)
        self._loaded[generator] = backend
        self._make_current(generator)
        return line

    @property
    def style(self) -> str:
        """The style that paints now; while another is being loaded, still the old one."""
        heavy = (name for name, lighter in self._lighter_of.items() if lighter == self.generator)
        return next(heavy, self.generator)

    @property
    def generator(self) -> str:
        """The name of what paints now: the style, or its lighter generator."""
        return self._current.name

    @property
    def _current(self) -> Generator:
        return next(reversed(self._loaded))

    @property
    def loading(self) -> bool:
        """Whether another generator is being loaded."""
        return self._pending is not None

    @property
    def settled(self) -> bool:
        """Whether a frame like the last would be painted like the last."""
        exposure = not self._preparations[self.generator].exposure or self._exposure.settled
        return exposure and self._hold.settled

    def has_lighter(self, style: str) -> bool:
        """Whether a style has a lighter generator. Reads the style's card the first time."""
        if MIXTURE.fullmatch(style):  # would have to be mixed first to be looked at
            return False
        if style not in self._lighter_of:
            try:
                self._lighter_of[style] = self._find(style).lighter
            except StylecamError:  # loading the style will report it
                self._lighter_of[style] = None
        return self._lighter_of[style] is not None

    def warm_up(self, frame: Size, *, live: bool) -> None:
        """Make the first frame of that size as fast as the others.

        Without `live`, nobody waits for the next frame: if no `scale` was asked for, frames are
        then painted at full size. Smoothing that the settings leave open is for live frames only.
        """
        self._smoothing = LIVE_SMOOTHING if live else 0.0
        if self._scale is None and not live:
            self._scale = 1.0
        self._size = self._working_size(frame)
        self._loaded[self._current].warm_up(self._size.height, self._size.width)

    def request_style(self, style: str) -> None:
        """Switch to the wanted style if it is ready; start loading it if that was not done.

        `stylize` does this too; call this for frames that are not painted.
        """
        if self.lighter and self.has_lighter(style):
            style = self._lighter_of[style] or style
        wanted = Generator(style, self.threads)
        if self._pending is not None and self._pending[1].done():
            self._take_pending(wanted)
        self._abandon_hanging(wanted)
        if wanted != self._failed:
            self._failed = None  # if asked for again later, it gets another chance
        if wanted in (self._current, self._failed):
            return
        if wanted in self._loaded:
            self._make_current(wanted)
        elif self._pending is None:
            future: Future[Backend] = Future()
            self._pending, self._pending_since = (wanted, future), time.monotonic()
            threading.Thread(
                target=self._load_into, args=(wanted, future), name="load style", daemon=True
            ).start()

    def stylize(self, frame: Frame, settings: Settings) -> Frame:
        """The painted frame: same size, index and times. View and mirror are not its business.

        Raises ModelError if the generator fails on it.
        """
        own = Size(frame.rgb.shape[1], frame.rgb.shape[0])
        self._size = self._working_size(own, settings.scale)
        self.request_style(settings.look)
        return replace(frame, rgb=self._painting(frame, settings))

    def close(self) -> None:
        if self._pending is not None:
            (_, future), self._pending = self._pending, None
            wait([future], LOAD_TIMEOUT)
            future.add_done_callback(_close_result)
        while self._loaded:
            self._loaded.popitem()[1].close()
        for thread in self._closing:
            thread.join(LOAD_TIMEOUT)

    def _painting(self, frame: Frame, settings: Settings) -> RGB:
        """The painting, held where nothing moves, and blended with the frame by the strength."""
        assert self._size is not None
        preparation = self._preparations[self.generator]
        smoothing = self._smoothing if settings.smoothing is None else settings.smoothing
        view = (settings.mirror, settings.zoom, settings.rotation)
        held_for = (self.generator, self._size, view) if smoothing else None
        if held_for != self._held_for:
            self._hold.reset()
            self._held_for = held_for
        if not preparation and not smoothing:
            return self._paint(frame.rgb, settings.strength, self._size)
        source = frame.rgb
        if not self._loaded[self._current].needs_frame:
            # All that comes before the enlargement costs a quarter or less at the painted size.
            source = resize(frame.rgb, *self._size)
        at = (self._size.height, self._size.width)
        seen = preparation.next_prepared(
            source, self._exposure, frame.timestamp, painted=at, whole=frame.rgb
        )
        painted = self._paint(seen, 1.0, self._size)
        if smoothing:
            changing = preparation.exposure and not self._exposure.settled
            painted = self._hold.blend(
                source, painted, frame.timestamp, smoothing, changing=changing
            )
        painted = enlarged_crisply(painted, frame.rgb.shape[1], frame.rgb.shape[0])
        return blended(frame.rgb, painted, settings.strength)

    def _paint(self, source: RGB, strength: float, size: Size) -> RGB:
        try:
            return self._loaded[self._current].stylize(source, strength, at=size)
        except Exception as error:  # runtimes raise what they like
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ModelError(f"{self.style}: the generator failed: {reason}") from error

    def _working_size(self, frame: Size, wanted: float | None = None) -> Size:
        scale = self._scale if wanted is None else wanted
        usual = painted_size(frame, scale, within=self._within)
        return processing_size(usual, scale=self.extra_scale)

    def _load_into(self, generator: Generator, future: "Future[Backend]") -> None:
        try:
            backend, _ = self._make_loaded(generator, warm=self._size)
        except Exception as error:
            future.set_exception(error)
        else:
            future.set_result(backend)

    def _make_loaded(
        self, generator: Generator, *, warm: Size | None = None
    ) -> tuple[Backend, str]:
        """A new backend with the generator loaded, and the line that says what runs it."""
        card = self._find(generator.name)
        self._preparations[generator.name] = card.preparation
        backend = self._make_backend(generator.threads)
        try:
            line = backend.load(card)
            if warm is not None:
                # While another style paints, a whole picture would take the cores from its frames:
                # unless that makes the first one faster, a small one shows that the style works.
                size = warm if backend.first_is_slow else Size(MINIMUM_SIDE, MINIMUM_SIDE)
                backend.warm_up(size.height, size.width)
        except BaseException:
            backend.close()
            raise
        return backend, line

    def _abandon_hanging(self, wanted: Generator) -> None:
        """Wait no longer for a style that takes long: no other one could be chosen meanwhile."""
        if self._pending is None:
            return
        generator, future = self._pending
        waited = time.monotonic() - self._pending_since
        if waited < (LOADING if generator == wanted else LOADING_UNWANTED):
            return
        self._pending = None
        future.add_done_callback(_close_result)
        if generator == wanted:
            self._failed = generator
            reason = f"{generator.name}: cannot be loaded: no end after {waited:.0f} s"
            self._on_fault(generator.name, ModelError(reason))

    def _take_pending(self, wanted: Generator) -> None:
        assert self._pending is not None
        (generator, future), self._pending = self._pending, None
        error = future.exception()
        if error is None:
            current = self._current
            self._loaded[generator] = future.result()
            # If the user has chosen another style meanwhile, this one must not paint.
            self._make_current(generator if generator == wanted else current)
            return
        self._failed = generator
        if not isinstance(error, StylecamError):
            error = StylecamError(f"{generator.name}: cannot be loaded: {error}")
        self._on_fault(generator.name, error)

    def _make_current(self, generator: Generator) -> None:
        """Make a loaded generator the current one, and close the least recently used beyond `keep`.

        Another thread closes them: that takes as long as a frame may.
        """
        self._loaded.move_to_end(generator)
        if generator.threads is None:
            self.usual_threads = self._loaded[generator].threads
        while len(self._loaded) > self._capacity:
            _, old = self._loaded.popitem(last=False)
            closing = threading.Thread(target=_close, args=(old,), name="close style", daemon=True)
            self._closing = [thread for thread in self._closing if thread.is_alive()] + [closing]
            closing.start()


def _close(backend: Backend) -> None:
    backend.close()
    release_free_memory()


def _close_result(future: "Future[Backend]") -> None:
    if future.exception() is None:
        future.result().close()
