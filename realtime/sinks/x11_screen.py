"""What OpenCV's windows cannot do on an X11 screen: find it, hide its pointer, fill it without
help."""

import contextlib
import ctypes
from collections.abc import Iterator
from typing import Any

ANY_TYPE = 0


@contextlib.contextmanager
def held_screen() -> Iterator[bool]:
    """Whether the X server of DISPLAY accepts us; True if libxcb is missing for asking it.

    While the context lasts, the server keeps its session. Without `-noreset` it starts anew when
    its last client leaves, and drops whoever is just connecting: so a program that asks it, leaves
    and then opens its window is ended by Qt now and then.
    """
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        yield True
        return
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    xcb.xcb_connection_has_error.argtypes = xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(None, None)
    try:
        yield bool(xcb.xcb_connection_has_error(connection) == 0)
    finally:
        xcb.xcb_disconnect(connection)


class HiddenPointer:
    """Hides it from now until `show`, or until this process ends, on every window of the screen.

    Where there is no X11, or no libXfixes, it stays visible.
    """

    def __init__(self) -> None:
        self._x11: Any = None
        self._display: int | None = None
        with contextlib.suppress(OSError, AttributeError):
            self._x11, fixes = _libx11(), ctypes.CDLL("libXfixes.so.3")
            fixes.XFixesHideCursor.argtypes = [ctypes.c_void_p, ctypes.c_ulong]
            fixes.XFixesQueryVersion.argtypes = [ctypes.c_void_p, *[ctypes.c_void_p] * 2]
            self._display = self._x11.XOpenDisplay(None)
            if self._display:
                major, minor = ctypes.c_int(4), ctypes.c_int(0)
                fixes.XFixesQueryVersion(
                    self._display, ctypes.byref(major), ctypes.byref(minor)
                )  # the server hides nothing for a client that has not asked
                fixes.XFixesHideCursor(self._display, self._x11.XDefaultRootWindow(self._display))
                self._x11.XSync(self._display, 0)

    def show(self) -> None:
        """Show it again. May be called twice."""
        if self._display:
            self._x11.XCloseDisplay(self._display)  # the server undoes what a client hid
            self._display = None


def size_without_manager() -> tuple[int, int] | None:
    """Width and height of the X11 screen if no window manager runs on it; otherwise None.

    A window asks the manager for full screen; without one, as in a bare kiosk, nobody answers.
    """
    try:
        x11 = _libx11()
    except (OSError, AttributeError):
        return None
    display = x11.XOpenDisplay(None)
    if not display:
        return None
    try:
        return None if _is_managed(x11, display) else _size(x11, display)
    finally:
        x11.XCloseDisplay(display)


def _size(x11: Any, display: int) -> tuple[int, int]:
    return int(x11.XDisplayWidth(display, 0)), int(x11.XDisplayHeight(display, 0))


def _is_managed(x11: Any, display: int) -> bool:
    """Whether the root window names the window by which a manager shows that it is there."""
    atom = x11.XInternAtom(display, b"_NET_SUPPORTING_WM_CHECK", 0)
    kind, bits, left = ctypes.c_ulong(), ctypes.c_int(), ctypes.c_ulong()
    items, data = ctypes.c_ulong(), ctypes.c_void_p()
    root = x11.XDefaultRootWindow(display)
    found = (kind, bits, items, left, data)
    x11.XGetWindowProperty(
        display, root, atom, 0, 1, 0, ANY_TYPE, *(ctypes.byref(out) for out in found)
    )
    if data.value:
        x11.XFree(data)
    return items.value > 0


def _libx11() -> Any:
    """Xlib. Raises OSError where it is missing."""
    x11, pointer, window = ctypes.CDLL("libX11.so.6"), ctypes.c_void_p, ctypes.c_ulong
    x11.XOpenDisplay.restype = pointer
    x11.XDefaultRootWindow.restype = x11.XInternAtom.restype = window
    x11.XInternAtom.argtypes = [pointer, ctypes.c_char_p, ctypes.c_int]
    x11.XGetWindowProperty.argtypes = [
        *(pointer, window, window, ctypes.c_long, ctypes.c_long, ctypes.c_int, window),
        *[pointer] * 5,
    ]
    x11.XDisplayWidth.argtypes = x11.XDisplayHeight.argtypes = [pointer, ctypes.c_int]
    x11.XSync.argtypes = [pointer, ctypes.c_int]
    for function in (x11.XDefaultRootWindow, x11.XCloseDisplay, x11.XFree):
        function.argtypes = [pointer]
    return x11
