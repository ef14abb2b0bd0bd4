"""Shows the picture on the control server's page. Makes JPEG; the server knows who watches."""

from models.errors import SinkFault
from models.pictures import encode_picture
from realtime.config.schema import WebConfig
from realtime.control.web.server import ControlServer
from realtime.frames.frame import Frame, FrameFormat
from realtime.sinks import Sink


class WebSink(Sink):
    """Hands the newest frame to the pages of `server`, which somebody else starts and stops.

    A frame is encoded once for all pages, in JPEG `quality` 1 to 100, and not at all while no
    page is open.
    """

    live = True

    def __init__(
        self, name: str = "web", *, server: ControlServer, quality: int = WebConfig().quality
    ) -> None:
        self.name = name
        self._server = server
        self._quality = quality
        self._last: Frame | None = None

    @property
    def url(self) -> str | None:
        """What to open in a browser; None before the server has started."""
        return self._server.url

    @property
    def has_viewers(self) -> bool:
        """Whether a page is open."""
        return self._server.has_viewers

    def open(self, frames: FrameFormat) -> None:
        self._server.attach(self._last_picture)

    def write(self, frame: Frame) -> None:
        """Show `frame` on every page that is open."""
        self._last = frame
        if self.has_viewers:
            self._server.publish(self._encode(frame))

    def close(self) -> None:
        self._server.detach()

    def _last_picture(self) -> bytes | None:
        return None if self._last is None else self._encode(self._last)

    def _encode(self, frame: Frame) -> bytes:
        return encode_picture(frame.rgb, ".jpg", quality=self._quality, error=SinkFault)
