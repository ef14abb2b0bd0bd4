"""A real window on a virtual screen: what it shows, the keys it takes, the ways that it ends."""

import ctypes
import select
import subprocess
import sys

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import UsageError
from realtime.control.hotkeys import KEYS
from realtime.frames.frame import FrameFormat
from realtime.sinks.window import (
    WindowSink,
    crop_to_shape_of,
    display_available,
    key_name,
    pad_to_shape_of,
)
from realtime.sinks.x11_screen import size_without_manager
from tests.screen import SCREEN_HEIGHT, SCREEN_WIDTH, ShownWindow, screen, wait_for

SHOW = """
import sys, time
import numpy as np
from realtime.frames.frame import Frame, FrameFormat
from realtime.sinks.window import WindowSink

def on_key(key):
    print(key, flush=True)
    if key == "q":
        sys.exit(sink.close())

sink = WindowSink(on_key=on_key, title="under test")
sink.open(FrameFormat(width=320, height=240, fps=30, live=True))
for index in range(100_000):
    rgb = np.zeros((240, 320, 3), np.uint8)
    rgb[:, :160] = (255, 0, 0)
    rgb[:, 160:] = (0, 0, 255)
    rgb[100:140, (index * 4) % 300 : (index * 4) % 300 + 20] = (255, 255, 255)
    rgb.flags.writeable = False
    sink.write(Frame(rgb=rgb, index=index, captured=time.monotonic(), timestamp=index / 30))
    time.sleep(0.02)
"""


class Window(ShownWindow):
    """The process that shows frames, and its window."""

    def __init__(self, display: str, options: str = "") -> None:
        super().__init__(display, "under test")
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                SHOW.replace('title="under test"', f'title="under test"{options}'),
            ],
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self.search()

    def line(self) -> str:
        assert select.select([self.process.stdout], [], [], 10)[0], "no key within 10 s"
        return self.process.stdout.readline().strip()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def window(display):
    window = Window(display)
    yield window
    window.close()


@screen
def test_the_window_shows_changing_frames_in_their_colours(window):
    first = window.picture()
    assert first.shape == (240, 320, 3)
    assert (first[10, 40] == (255, 0, 0)).all()
    assert (first[10, 280] == (0, 0, 255)).all()
    wait_for(lambda: not np.array_equal(window.picture(), first))


@screen
def test_keys_arrive_by_name_and_close_ends_the_window(window):
    sent = {"n": "n", "Right": "right", "Left": "left", "plus": "+", "space": "space", "3": "3"}
    for pressed, name in sent.items():
        window.xdotool("key", pressed)
        assert window.line() == name
    window.xdotool("key", "q")
    assert window.line() == "q"
    assert window.process.wait(10) == 0


@screen
def test_a_resized_window_keeps_the_aspect_between_bars(window):
    def has_bars() -> bool:
        # asked again each time: the window's own first resize may still be under way
        window.xdotool("windowsize", str(window.id), "700", "240")
        picture = window.picture()
        if picture.shape != (240, 700, 3):
            return False
        sides = np.concatenate([picture[:, :185], picture[:, -185:]], axis=1)
        middle = (picture[10, 195] == (255, 0, 0)).all() and (picture[10, 505] == (0, 0, 255)).all()
        # the Qt of OpenCV 4 keeps the aspect by itself, between bars of its own light grey
        bars = 0 if int(cv2.__version__.split(".")[0]) >= 5 else 239
        return bool(middle) and bool((sides == bars).all())

    wait_for(has_bars)


@screen
def test_at_a_kiosk_the_picture_fills_the_window_which_opens_again_when_closed(display):
    kiosk = Window(display, ", kiosk=True, fullscreen=True")
    try:

        def filled_screen() -> bool:
            picture = kiosk.picture()
            corners = picture[[0, 0, -1, -1], [0, -1, 0, -1]]
            whole = picture.shape == (SCREEN_HEIGHT, SCREEN_WIDTH, 3)
            return bool(whole and (corners == [(255, 0, 0), (0, 0, 255)] * 2).all())

        wait_for(filled_screen)

        def filled() -> bool:
            # asked again each time: the window's own first resize may still be under way
            kiosk.xdotool("windowsize", str(kiosk.id), "400", "150")
            picture = kiosk.picture()
            corners = picture[[0, 0, -1, -1], [0, -1, 0, -1]]
            colours = [(255, 0, 0), (0, 0, 255)] * 2
            return bool(picture.shape == (150, 400, 3) and (corners == colours).all())

        wait_for(filled)
        ask_to_close(display, kiosk.id)
        wait_for(kiosk.find)
        assert kiosk.process.poll() is None
    finally:
        kiosk.close()


@screen
def test_a_screen_is_left_to_its_window_manager(display, monkeypatch):
    monkeypatch.setenv("DISPLAY", display)
    assert size_without_manager() == (SCREEN_WIDTH, SCREEN_HEIGHT)
    x11 = ctypes.CDLL("libX11.so.6")
    for function in (x11.XOpenDisplay, x11.XDefaultRootWindow, x11.XInternAtom):
        function.restype = ctypes.c_void_p
    shown = ctypes.c_void_p(x11.XOpenDisplay(None))
    root = ctypes.c_void_p(x11.XDefaultRootWindow(shown))
    claim = ctypes.c_void_p(x11.XInternAtom(shown, b"_NET_SUPPORTING_WM_CHECK", 0))
    window_type, value = ctypes.c_void_p(33), ctypes.byref(ctypes.c_ulong(1))  # XA_WINDOW
    try:
        x11.XChangeProperty(shown, root, claim, window_type, 32, 0, value, 1)
        x11.XSync(shown, 0)
        assert size_without_manager() is None
    finally:
        x11.XDeleteProperty(shown, root, claim)
        x11.XCloseDisplay(shown)
    assert size_without_manager() == (SCREEN_WIDTH, SCREEN_HEIGHT)


@screen
def test_the_x_of_the_window_is_quit(window):
    ask_to_close(window.environment["DISPLAY"], window.id)
    assert window.line() == "q"
    assert window.process.wait(10) == 0


def ask_to_close(display: str, window: int) -> None:
    """Send what a window manager sends when its X is clicked; there is none on this screen."""

    class ClientMessage(ctypes.Structure):
        _fields_ = (
            ("type", ctypes.c_int),
            ("serial", ctypes.c_ulong),
            ("send_event", ctypes.c_int),
            ("display", ctypes.c_void_p),
            ("window", ctypes.c_ulong),
            ("message_type", ctypes.c_ulong),
            ("format", ctypes.c_int),
            ("data", ctypes.c_long * 5),
            ("room", ctypes.c_long * 12),  # XSendEvent reads a whole XEvent
        )

    x11 = ctypes.CDLL("libX11.so.6")
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XInternAtom.restype = ctypes.c_ulong
    x11.XInternAtom.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
    x11.XSendEvent.argtypes = [
        ctypes.c_void_p,
        ctypes.c_ulong,
        ctypes.c_int,
        ctypes.c_long,
        ctypes.c_void_p,
    ]
    x11.XCloseDisplay.argtypes = [ctypes.c_void_p]
    connection = x11.XOpenDisplay(display.encode())
    assert connection
    message = ClientMessage(
        type=33,
        window=window,
        message_type=x11.XInternAtom(connection, b"WM_PROTOCOLS", 0),
        format=32,
    )
    message.data[0] = x11.XInternAtom(connection, b"WM_DELETE_WINDOW", 0)
    assert x11.XSendEvent(connection, window, 0, 0, ctypes.byref(message))
    x11.XCloseDisplay(connection)


@screen
def test_a_display_is_found_where_there_is_one(display, monkeypatch):
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", display)
    assert display_available()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux runs without a display")
@pytest.mark.parametrize(
    ("display", "said"),
    [(None, "neither DISPLAY nor WAYLAND_DISPLAY is set"), (":4321", "display :4321")],
)
def test_without_a_display_it_says_so_and_what_to_do(monkeypatch, display, said):
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    if display:
        monkeypatch.setenv("DISPLAY", display)
    assert not display_available()
    sink = WindowSink(on_key=lambda key: None)
    with pytest.raises(UsageError, match=f"^window: .*{said}.*--sink web") as caught:
        sink.open(FrameFormat(width=320, height=240, fps=30, live=True))
    assert "\n" not in str(caught.value)
    sink.close()


def test_an_opencv_without_windows_says_so_and_what_to_do(monkeypatch):
    monkeypatch.setattr(cv2, "getBuildInformation", lambda: "  GUI:      NONE\n")
    assert not display_available()
    with pytest.raises(UsageError, match=r"no window support.*opencv-python"):
        WindowSink(on_key=lambda key: None).open(FrameFormat(320, 240, 30, live=True))


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (-1, None),
        (ord("n"), "n"),
        (0x100000 | ord("n"), "n"),  # GTK with NumLock
        (0xFF51, "left"),
        (0x10FF53, "right"),
        (0x250000, "left"),
        (0x270000, "right"),
        (63234, "left"),
        (0x1B, "esc"),
        (0x20, "space"),
        (0xFFAB, "+"),
        (0xFFE1, None),  # shift
        (0x260000, None),  # up, on Windows
    ],
)
def test_codes_of_every_toolkit_have_the_right_name(code, name):
    assert key_name(code) == name


def test_every_hotkey_can_come_from_the_window():
    codes = [*range(0x20, 0x7F), 0x1B, 0xFF51, 0xFF53]
    assert set(KEYS) <= {key_name(code) for code in codes}


@given(
    rows=st.integers(32, 200),
    columns=st.integers(32, 200),
    width=st.integers(50, 2000),
    height=st.integers(50, 2000),
)
def test_padding_takes_the_windows_shape_and_keeps_every_pixel(rows, columns, width, height):
    picture = np.random.default_rng(0).integers(1, 256, (rows, columns, 3), np.uint8)
    padded = pad_to_shape_of(picture, width, height)
    assert padded.shape[0] >= rows
    assert padded.shape[1] >= columns
    off = padded.shape[1] * height - padded.shape[0] * width
    assert abs(off) <= 2 * max(width, height)  # a pixel or so
    inside = np.argwhere(padded.any(axis=2))
    (top, left), (bottom, right) = inside.min(axis=0), inside.max(axis=0)
    assert np.array_equal(padded[top : bottom + 1, left : right + 1], picture)


def test_an_unknown_window_size_pads_nothing():
    picture = np.ones((40, 60, 3), np.uint8)
    assert pad_to_shape_of(picture, 0, -1) is picture


@pytest.mark.parametrize(
    ("rows", "columns", "width", "height"), [(60, 80, 80, 30), (60, 80, 30, 60)]
)
def test_at_a_kiosk_the_middle_fills_the_windows_shape(rows, columns, width, height):
    picture = np.zeros((rows, columns, 3), np.uint8)
    picture[rows // 2 - 10 : rows // 2 + 10, columns // 2 - 10 : columns // 2 + 10] = 255
    shown = crop_to_shape_of(picture, width, height)
    assert shown.shape[0] == rows or shown.shape[1] == columns
    assert abs(shown.shape[1] * height - shown.shape[0] * width) <= max(width, height)
    assert (shown == 255).sum() == 20 * 20 * 3
    assert crop_to_shape_of(picture, 0, 0) is picture
