"""Says what a file is, by its content: a picture, pictures in motion, or a video."""

from pathlib import Path
from typing import Literal

from models.picture_formats.decoding import UndecodableError, is_heic, is_svg, open_image

FileKind = Literal["image", "animation", "video"]

MOVING_FORMATS = frozenset({"GIF", "PNG", "WEBP", "AVIF"})
"""Picture formats whose several pictures are an animation; a TIFF's are pages."""
MOTION_JPEG = (".mjpeg", ".mjpg")
VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts"}
    | {".wmv", ".asf", ".flv", ".3gp", ".3g2", ".ogv", ".mxf", ".vob", ".h264", ".264", ".hevc"}
    | {".h265", ".265", ".mjpeg", ".mjpg", ".m2v", ".mpv", ".dv", ".y4m"}
)
"""The endings of the videos that folders are searched for."""


def file_kind(path: Path) -> FileKind:
    """What the file at `path` is. What cannot be told is a video: FFmpeg knows most kinds."""
    import cv2

    try:
        with path.open("rb") as file:
            head = file.read(4096)
            if is_heic(head) or is_svg(head):
                return "image"  # reading it says what to do
            file.seek(0)
            image = open_image(file, path.name)
            if image is None:
                return "image" if cv2.haveImageReader(str(path)) else "video"
            if image.format == "JPEG" and path.suffix.lower() in MOTION_JPEG:
                return "video"
            moving = image.format in MOVING_FORMATS and getattr(image, "n_frames", 1) > 1
            return "animation" if moving else "image"
    except (OSError, UndecodableError):
        return "video"
    except Exception:  # a damaged picture is one, and reading it says so
        return "image"
