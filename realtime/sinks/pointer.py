"""Hides the pointer of an X11 screen: OpenCV's windows cannot."""

import contextlib
import ctypes
from typing import Any


class HiddenPointer:
    """Hides it from now until `show`, or until this process ends, on every window of the screen.

    Where there is no X11, or no libXfixes, it stays visible.
    """

    def __init__(self) -> None:
        self._x11: Any = None
        self._display: int | None = None
        with contextlib.suppress(OSError, AttributeError):
            self._x11, fixes = ctypes.CDLL("libX11.so.6"), ctypes.CDLL("libXfixes.so.3")
            self._x11.XOpenDisplay.restype = ctypes.c_void_p
            self._x11.XDefaultRootWindow.restype = ctypes.c_ulong
            self._x11.XDefaultRootWindow.argtypes = [ctypes.c_void_p]
            self._x11.XSync.argtypes = [ctypes.c_void_p, ctypes.c_int]
            self._x11.XCloseDisplay.argtypes = [ctypes.c_void_p]
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
