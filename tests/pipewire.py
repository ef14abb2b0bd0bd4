"""PipeWire and WirePlumber of one's own, and a program that reads their camera as a call does."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.faults.scripted_virtual_camera import PATIENCE, until

PROGRAMS = ("dbus-run-session", "pipewire", "wireplumber", "pw-dump", "gst-launch-1.0")
MISSING = [program for program in PROGRAMS if shutil.which(program) is None]
SERVERS = "pipewire & while sleep 0.1; do wireplumber; done"
"""WirePlumber ends where PipeWire does not listen yet."""


@contextmanager
def started_pipewire() -> Iterator[dict[str, str]]:
    """The variables by which programs find it."""
    with tempfile.TemporaryDirectory(prefix="pw") as folder:
        own = dict.fromkeys(("XDG_RUNTIME_DIR", "HOME", "XDG_STATE_HOME"), folder)
        servers = subprocess.Popen(
            ["dbus-run-session", "--", "sh", "-c", SERVERS],
            env=os.environ | own,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            until((Path(folder) / "pipewire-0").is_socket)
            yield own
        finally:
            os.killpg(servers.pid, signal.SIGKILL)
            servers.wait()


def cameras(environment: Mapping[str, str] = os.environ) -> list[dict]:
    """What PipeWire tells of its video sources."""
    told = subprocess.run(
        ["pw-dump"], env=dict(environment), capture_output=True, check=True, timeout=PATIENCE
    ).stdout.decode()
    objects: dict[int, dict] = {}
    while told := told.lstrip():  # further lists tell what has changed meanwhile
        changed, end = json.JSONDecoder().raw_decode(told)
        objects |= {each["id"]: each for each in changed}
        told = told[end:]
    nodes = [o for o in objects.values() if o.get("type", "").endswith("Node") and o["info"]]
    return [o for o in nodes if o["info"]["props"].get("media.class") == "Video/Source"]


def reader(sink: str, *, count: int = -1) -> list[str]:
    """The command that reads `count` pictures (-1: all) of the camera, as RGB, into `sink`.

    The camera must be there: a reader that comes before it waits for ever.
    """
    words = f"gst-launch-1.0 -q pipewiresrc target-object=stylecam num-buffers={count}"
    return [*words.split(), *f"! videoconvert ! video/x-raw,format=RGB ! {sink}".split()]
