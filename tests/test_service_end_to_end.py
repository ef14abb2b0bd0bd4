"""A run as systemd sees it: ready once pictures come, ended by SIGTERM with its recording whole."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import av


def test_ready_alive_and_ended_by_sigterm_with_the_recording_whole(tmp_path: Path):
    out = tmp_path / "out.mp4"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(60)
        environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")}
        environment |= {"WATCHDOG_USEC": "1000000", "OMP_NUM_THREADS": "1"}
        command = "from realtime.cli import main; main()"
        options = f"run --source demo --size 160x120 --scale 1 --sink file:{out} --threads 1"
        with subprocess.Popen(
            [sys.executable, "-c", command, *options.split()],
            env=environment | {"XDG_RUNTIME_DIR": str(tmp_path)},
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                assert systemd.recv(1000).startswith(b"READY=1\nWATCHDOG=1\nSTATUS=")
                assert systemd.recv(1000).startswith(b"WATCHDOG=1")
                process.send_signal(signal.SIGTERM)
                said = b""
                while said != b"STOPPING=1":
                    said = systemd.recv(1000)
                assert process.wait(30) in (0, 130)
            finally:
                process.kill()
    with av.open(str(out)) as video:
        assert sum(1 for _ in video.decode(video=0)) >= 1
