"""Open Sound Control: a datagram `/stylecam/next`, or `/stylecam/strength 0.7`, steers the run.

The addresses are the verbs and values of the tables. Whoever reaches the port may use them: OSC
knows no tokens, so the port is one of this machine unless another address is asked for.
"""

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from models.errors import StylecamError, UsageError, lookup
from realtime.control.remote import needs
from realtime.control.state import SettingsStore, Verb
from realtime.control.values import VALUES
from realtime.control.verbs import VERBS

if TYPE_CHECKING:
    from pythonosc.osc_server import BlockingOSCUDPServer

log = logging.getLogger(__name__)
PREFIX = "/stylecam/"


def verb_of_osc(address: str, arguments: tuple[object, ...]) -> Verb | None:
    """The verb that a message stands for; None for the release of a button, which sends 0.

    Raises UsageError for an unknown address or a value that is not allowed.
    """
    name = address.removeprefix(PREFIX)
    if name in VALUES and (arguments or name not in VERBS):
        if len(arguments) != 1:
            raise UsageError(f"{address} takes one value, not {len(arguments)}")
        return VALUES[name].setter(_value(name, arguments[0]))
    known = {f"{PREFIX}{known}": VERBS.get(known) for known in (*VERBS, *VALUES)}
    verb = lookup("address", address, known)
    return None if arguments and not arguments[0] else verb


def _value(name: str, given: object) -> object:
    """As the table takes it: many senders know numbers only, and floats at that."""
    value = VALUES[name]
    if value.kind == "switch" and given in (0, 1):
        return bool(given)
    if value.kind == "choice" and isinstance(given, float) and given.is_integer():
        return int(given)
    if name == "blend_with" and given == "":
        return None
    return given


class OscServer:
    """A `Service`: applies what comes to a UDP port of `host` to `box`.

    `port` 0 is a free one. `say` gets a line for each refusal.
    """

    def __init__(
        self, box: SettingsStore, port: int, *, host: str, say: Callable[[str], None]
    ) -> None:
        self._box, self._host, self._say = box, host, say
        self.port = port
        self._server: BlockingOSCUDPServer | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen. Raises UsageError."""
        try:
            from pythonosc.dispatcher import Dispatcher
            from pythonosc.osc_server import BlockingOSCUDPServer
        except ImportError as error:
            raise needs("osc", error) from None

        class Server(BlockingOSCUDPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                """A datagram that is no OSC is nothing to the user."""
                log.debug("from %s: not understood", client_address, exc_info=True)

        dispatcher = Dispatcher()
        dispatcher.set_default_handler(self._heard)
        try:
            self._server = Server((self._host, self.port), dispatcher)
        except OSError as error:
            raise UsageError(
                f"osc: port {self.port} of {self._host} cannot be used ({error.strerror}); "
                "choose another with --osc"
            ) from None
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=lambda server=self._server: server.serve_forever(0.1), name="osc", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join(timeout=1.0)
            self._server = None

    def _heard(self, address: str, *arguments: object) -> None:
        try:
            if (verb := verb_of_osc(address, arguments)) is not None:
                self._box.apply(verb)
        except StylecamError as error:
            self._say(f"osc: {error}")
