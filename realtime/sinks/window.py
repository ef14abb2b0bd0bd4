"""Shows the picture in a window, by OpenCV's HighGUI. Knows key names, not what they do."""

import os
import re
import sys
from collections.abc import Callable

import cv2
import numpy as np

from models.errors import UsageError
from models.pictures import RGB
from realtime.control.hotkeys import FULLSCREEN
from realtime.frames.frame import Frame, FrameFormat
from realtime.sinks import Sink
from realtime.sinks.x11_screen import HiddenPointer, held_screen, size_without_manager

LARGEST = (1280, 720)
"""The window starts no larger than this, so that it fits on a laptop's screen."""

_NO_KEY = -1
_NAMED = {
    **dict.fromkeys((0xFF51, 0x250000, 0xF702, 2), "left"),  # X11, Windows, macOS, old Cocoa
    **dict.fromkeys((0xFF53, 0x270000, 0xF703, 3), "right"),
    0x1B: "esc",
    0x20: "space",
    0xFFAB: "+",  # the number block, on X11
    0xFFAD: "-",
    **{0xFFB0 + digit: str(digit) for digit in range(10)},
}


def key_name(code: int) -> str | None:
    """The key name for a code from cv2.waitKeyEx; None for no key or a key without a name."""
    if code == _NO_KEY:
        return None
    # GTK puts modifiers such as NumLock above the key's own 16 bits; Windows puts arrows there
    for candidate in (code, code & 0xFFFF):
        if candidate in _NAMED:
            return _NAMED[candidate]
        if 0x21 <= candidate <= 0x7E:
            return chr(candidate)
    return None


def display_available() -> bool:
    """Whether a window can be opened here."""
    return _why_no_window() is None


def _why_no_window() -> str | None:
    """Why no window can be opened, with the remedy; None if one can.

    This is checked beforehand, because Qt ends the whole process if it finds no display.
    """
    toolkit = _toolkit()
    if toolkit == "NONE":
        return (
            "this build of OpenCV has no window support; "
            "`pip uninstall opencv-python-headless && pip install --force-reinstall opencv-python`"
        )
    return _why_no_x11(toolkit) if sys.platform == "linux" else None


def _why_no_x11(toolkit: str) -> str | None:
    display, wayland = os.environ.get("DISPLAY"), os.environ.get("WAYLAND_DISPLAY")
    if not display and not wayland:
        return "no display found (neither DISPLAY nor WAYLAND_DISPLAY is set)"
    if wayland and not toolkit.startswith("QT"):
        return None  # GTK speaks Wayland itself; the Qt of opencv-python speaks X11 only
    if not display:
        return "OpenCV's windows need X11 and DISPLAY is not set; start Xwayland"
    with held_screen() as answers:
        return None if answers else f"cannot connect to the display {display} (DISPLAY)"


def _toolkit() -> str:
    found = re.search(r"^\s*GUI:\s*(\S+)", cv2.getBuildInformation(), re.MULTILINE)
    return found.group(1).upper() if found else "UNKNOWN"


class WindowSink(Sink):
    """Shows the newest frame, whole and undistorted, in a window that can be resized.

    Keys go to `on_key` by name, except for full screen, which the window does itself. Closing the
    window by its X counts as the key "q". `fullscreen` starts it in full screen. While no frames
    come, `pump` keeps the window alive. At a `kiosk` the picture fills the window, the pointer is
    hidden (on X11), and the window cannot be left: closed, it opens again.
    """

    live = True
    main_thread = True

    def __init__(
        self,
        name: str = "window",
        *,
        on_key: Callable[[str], None],
        title: str = "stylecam",
        fullscreen: bool = False,
        kiosk: bool = False,
    ) -> None:
        self.name = name
        self._on_key = on_key
        self._title = title
        self._start_fullscreen = fullscreen
        self._kiosk = kiosk
        self._pointer: HiddenPointer | None = None
        self._first_size = LARGEST
        self._fullscreen = False
        self._open = False

    def open(self, frames: FrameFormat) -> None:
        """Open the window. Raises UsageError if there is no display or no GUI in OpenCV."""
        with held_screen():
            reason = _why_no_window()
            if reason is not None:
                remedy = "or use `--sink web` and open it in a browser"
                raise UsageError(f"{self.name}: {reason}; {remedy}")
            if sys.platform == "linux" and _toolkit().startswith("QT"):
                # if a desktop set this to wayland, Qt would end the process: see _why_no_window
                os.environ["QT_QPA_PLATFORM"] = "xcb"
            shrink = min(1.0, LARGEST[0] / frames.width, LARGEST[1] / frames.height)
            self._first_size = (round(frames.width * shrink), round(frames.height * shrink))
            self._show()
        if self._kiosk:
            self._pointer = HiddenPointer()

    def _show(self) -> None:
        # HighGUI may stretch pictures: `write` pads them, because HighGUI's own bars are white
        flags = cv2.WINDOW_NORMAL | cv2.WINDOW_FREERATIO | cv2.WINDOW_GUI_NORMAL
        cv2.namedWindow(self._title, flags)
        self._open = True
        cv2.resizeWindow(self._title, *self._first_size)
        if self._start_fullscreen:
            self._set_fullscreen(True)

    def write(self, frame: Frame) -> None:
        """Show `frame` and handle the user's input. Does nothing once the window was closed."""
        if not self._open:
            return
        bgr = np.asarray(cv2.cvtColor(frame.rgb, cv2.COLOR_RGB2BGR), np.uint8)
        _, _, width, height = cv2.getWindowImageRect(self._title)
        shaped = crop_to_shape_of if self._kiosk else pad_to_shape_of
        cv2.imshow(self._title, shaped(bgr, width, height))
        self.pump()

    def pump(self) -> None:
        """Handle keys and the X. To be called at least every 0.1 s while no frame comes."""
        while self._open and (code := cv2.waitKeyEx(1)) != _NO_KEY:
            key = key_name(code)
            if key == FULLSCREEN and not self._kiosk:
                self._set_fullscreen(not self._fullscreen)
            elif key is not None:
                self._on_key(key)
        if not self._open or self._visible():
            return
        if self._kiosk:
            self._show()
        else:
            self._open = False
            self._on_key("q")

    def close(self) -> None:
        """Close the window."""
        if self._pointer is not None:
            self._pointer.show()
            self._pointer = None
        if self._open:
            self._open = False
            cv2.destroyWindow(self._title)
            cv2.waitKeyEx(1)  # HighGUI closes it only when events are handled

    def _visible(self) -> bool:
        try:
            return bool(cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) >= 1)
        except cv2.error:  # Qt, once its last window was closed
            return False

    def _set_fullscreen(self, on: bool) -> None:
        self._fullscreen = on
        state = cv2.WINDOW_FULLSCREEN if on else cv2.WINDOW_NORMAL
        cv2.setWindowProperty(self._title, cv2.WND_PROP_FULLSCREEN, state)
        if sys.platform == "linux" and (screen := size_without_manager()) is not None:
            cv2.moveWindow(self._title, 0, 0)
            cv2.resizeWindow(self._title, *(screen if on else self._first_size))


def pad_to_shape_of(picture: RGB, width: int, height: int) -> RGB:
    """Add black bars to `picture`, so that it looks undistorted when stretched to width x height.

    It is unchanged if the shapes agree to within a pixel, or the size is unknown (0 or less).
    """
    if width <= 0 or height <= 0:
        return picture
    rows, columns = picture.shape[:2]
    wider = round(rows * width / height) - columns
    higher = round(columns * height / width) - rows
    if max(wider, higher) <= 1:
        return picture
    out = np.zeros((rows + max(0, higher), columns + max(0, wider), 3), np.uint8)
    top, left = (out.shape[0] - rows) // 2, (out.shape[1] - columns) // 2
    out[top : top + rows, left : left + columns] = picture
    return out


def crop_to_shape_of(picture: RGB, width: int, height: int) -> RGB:
    """The middle of `picture`, so that it looks undistorted when stretched to width x height.

    It is unchanged if the shapes agree to within a pixel, or the size is unknown (0 or less).
    """
    if width <= 0 or height <= 0:
        return picture
    rows, columns = picture.shape[:2]
    wide = min(columns, round(rows * width / height))
    high = min(rows, round(columns * height / width))
    if max(columns - wide, rows - high) <= 1:
        return picture
    left, top = (columns - wide) // 2, (rows - high) // 2
    return np.ascontiguousarray(picture[top : top + high, left : left + wide])
