"""Recordings that are killed at moments of chance play up to at most two seconds before.

That is measured from the last picture that the source gave: those that wait for the recorder count,
too. On a machine so busy that a picture takes an encoder seconds, the one in work is lost, those
that wait, and HELD before. A file has no picture only if no more than that had been recorded.

STYLECAM_KILLS=50 kills 50 of each container and prints what was lost.
"""

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import av
import pytest

from realtime.config.video_codecs import CODECS
from realtime.sinks.recording.video.containers import CONTAINERS
from realtime.sinks.recording.video.encoder_choice import SOFTWARE
from tests.faults import recordings_until_killed

KILLS = int(os.environ.get("STYLECAM_KILLS", "1"))
MOST_LOST = 2.0
CODED = [
    f"{codec}{suffix}"
    for suffix, codecs in CODECS.items()
    for codec in codecs
    if codec != CONTAINERS[suffix].usual[0]
    and any(name in av.codecs_available for name in SOFTWARE[codec])
]
ENDINGS = [*CONTAINERS, *(f"sound{suffix}" for suffix in CONTAINERS), *CODED]
"""Every codec in every container; with "sound", a microphone is recorded, too."""
HELD = 2
"""Pictures that wait in the container for the next one, or for their sound."""
ROOT = Path(__file__).parents[2]


def playable(path: Path) -> tuple[int, float]:
    """How many pictures can be decoded, and when the last of them begins, in seconds (or 0)."""
    count, last = 0, 0.0
    try:
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                count, last = count + 1, max(last, frame.time or 0.0)
    except av.FFmpegError:  # the last picture may be cut in two
        pass
    return count, last


@pytest.mark.timeout(0)  # many kills take long
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_whenever_a_recording_is_killed_at_most_two_seconds_are_lost(tmp_path, capsys):
    program = Path(recordings_until_killed.__file__)
    seed = random.randrange(10**6)
    command = [sys.executable, program, tmp_path, KILLS, seed, *ENDINGS]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, env=environment, check=True
    )
    lost: dict[str, list[float]] = {suffix: [] for suffix in ENDINGS}
    empty = dict.fromkeys(ENDINGS, 0)
    for line in done.stdout.splitlines():
        killed = json.loads(line)
        path, given, written = Path(killed["path"]), killed["given"], killed["written"]
        pictures, until = playable(path) if path.is_file() and path.stat().st_size else (0, 0.0)
        missing = given[-1] - until if given else 0.0
        assert missing <= MOST_LOST or len(written) - pictures <= HELD, (killed, until, seed)
        ending = path.name.lstrip("0123456789-")
        lost[ending].append(missing)
        empty[ending] += bool(given) and not pictures
    assert all(len(values) == KILLS for values in lost.values())
    with capsys.disabled():
        for suffix, values in lost.items():
            middle = sorted(values)[len(values) // 2]
            print(
                f"\n{suffix}: {len(values)} kills, {middle:.2f} s lost, {max(values):.2f} at most; "
                f"{empty[suffix]} before the first picture was in the file"
            )
