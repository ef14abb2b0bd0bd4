"""Shows the picture in a browser, with buttons. Makes JPEG; the page server knows who watches."""

from collections.abc import Mapping
from pathlib import Path

from models.errors import SinkFault
from realtime.config.schema import WebConfig
from realtime.control.state import SettingsStore
from realtime.control.web.jpeg import encode_jpeg
from realtime.control.web.server import PageServer
from realtime.frames.frame import Frame, FrameFormat
from realtime.sinks import Sink


class WebSink(Sink):
    """A page at `url` that shows the newest frame and controls `box`.

    If `host` is not a loopback address, `url` carries a token. `port` None takes a free one.
    `titles` and `previews` (JPEG files) are by style name; `quality` is JPEG's, 1 to 100.
    A frame is encoded once for all pages, and not at all while none is open.
    """

    live = True

    def __init__(
        self,
        name: str = "web",
        *,
        box: SettingsStore,
        host: str = "127.0.0.1",
        port: int | None = None,
        title: str = "stylecam",
        titles: Mapping[str, str] | None = None,
        previews: Mapping[str, Path] | None = None,
        quality: int = WebConfig().quality,
    ) -> None:
        self.name = name
        self._host = host
        self._port = port
        self._quality = quality
        self._last: Frame | None = None
        self._server = PageServer(
            box,
            newest=self._last_picture,
            title=title,
            titles=titles or {},
            previews=previews or {},
        )

    @property
    def url(self) -> str | None:
        """What to open in a browser; None before `open`."""
        return self._server.access.url if self._server.access else None

    @property
    def has_viewers(self) -> bool:
        """Whether a page is open."""
        return self._server.has_viewers

    def open(self, frames: FrameFormat) -> None:
        """Serve the page. Raises UsageError for an address or port that cannot be used."""
        self._server.start(self._host, self._port)

    def write(self, frame: Frame) -> None:
        """Show `frame` on every page that is open."""
        self._last = frame
        if self.has_viewers:
            self._server.publish(self._encode(frame))

    def close(self) -> None:
        """End every page's stream and free the port, within 2 s."""
        self._server.stop()

    def _last_picture(self) -> bytes | None:
        return None if self._last is None else self._encode(self._last)

    def _encode(self, frame: Frame) -> bytes:
        jpeg = encode_jpeg(frame.rgb, self._quality)
        if jpeg is None:
            raise SinkFault(f"{self.name}: OpenCV could not make a JPEG of a frame")
        return jpeg
