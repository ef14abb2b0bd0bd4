import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.errors import SourceFault, UsageError
from realtime.sources.camera import Camera
from realtime.sources.demo import Demo
from realtime.sources.image import ImageSource
from realtime.sources.registry import make_source
from realtime.sources.stream import Stream
from realtime.sources.video_file import VideoFile


def make(spec, *, width=None, height=None, fps=None, paced=False, loop=False):
    return make_source(spec, width=width, height=height, fps=fps, paced=paced, loop=loop)


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(cv2.imencode(".png", np.full((6, 8, 3), 9, np.uint8))[1].tobytes())
    return path


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        ("demo", Demo),
        ("camera", Camera),
        ("0", Camera),
        ("Logitech", Camera),
        ("HD Pro Webcam C920", Camera),
        ("/dev/video7", Camera),
        ("/dev/v4l/by-id/usb-Logitech_C920-video-index0", Camera),
        ("rtsp://camera/1", Stream),
        ("http://camera/1.mjpg", Stream),
        ("HTTPS://camera/1.mp4", Stream),
    ],
)
def test_a_spec_that_is_no_path_means_what_it_looks_like(spec, kind):
    assert isinstance(make(spec), kind)


def test_a_picture_and_a_folder_are_told_by_what_they_are(picture, make_clip):
    from realtime.sources.folder import Folder

    assert isinstance(make(str(picture)), ImageSource)
    assert isinstance(make(str(picture.parent)), Folder)
    assert isinstance(make(str(make_clip())), VideoFile)
    nameless = picture.rename(picture.with_suffix(""))
    assert isinstance(make(str(nameless)), ImageSource)


def test_a_picture_goes_all_the_way(picture):
    source = make(str(picture), fps=12)
    opened = source.open()
    assert (opened.width, opened.height, opened.fps, opened.frame_count) == (8, 6, 12, 1)
    assert (source.read().rgb == 9).all()


def test_a_moving_gif_is_a_video(make_clip):
    frames = [np.full((48, 64, 3), level, np.uint8) for level in (0, 120, 240)]
    path = make_clip("clip.mkv", times=(0, 0.1, 0.2), pictures=frames)
    gif = path.with_suffix(".gif")
    import av

    with av.open(str(path)) as clip, av.open(str(gif), "w") as output:
        stream = output.add_stream("gif", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "rgb8"
        for frame in clip.decode(video=0):
            output.mux(stream.encode(frame.reformat(format="rgb8")))
        output.mux(stream.encode(None))
    source = make(str(gif))
    source.open()
    assert [source.read().index for _ in range(3)] == [0, 1, 2]


@pytest.mark.parametrize("spec", ["x.mp4", "no/such/folder/x", "photo.jpeg", "./clip"])
def test_a_missing_path_is_a_usage_error(spec, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        make(spec)
    assert str(caught.value) == f"{spec}: no such file"
    assert caught.value.exit_code == 2


def test_a_file_that_is_neither_names_what_was_tried(tmp_path):
    path = tmp_path / "model.bin"
    path.write_bytes(bytes(range(256)) * 16)
    with pytest.raises(SourceFault) as caught:
        make(str(path)).open()
    assert str(caught.value).startswith(f"{path}: neither a picture nor a video (FFmpeg: ")


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"width": 0}, "width 0"),
        ({"height": -480}, "height -480"),
        ({"fps": 0.0}, "fps 0"),
        ({"fps": float("nan")}, "fps nan"),
    ],
)
def test_a_size_or_rate_that_cannot_be_is_refused(options, key):
    with pytest.raises(UsageError, match=key):
        make("demo", **options)


def test_an_empty_spec_is_refused():
    with pytest.raises(UsageError, match="source is empty"):
        make("")


def test_looking_at_a_spec_loads_no_decoder():
    """What a kind needs is imported when it is meant: --help stays quick."""
    code = "import sys, realtime.sources.registry; print({'cv2', 'av', 'numpy'} & set(sys.modules))"
    root = Path(__file__).parents[3]
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=root, check=True, capture_output=True, text=True
    )
    assert {"cv2", "av"}.isdisjoint(eval(loaded.stdout.replace("set()", "()")))
