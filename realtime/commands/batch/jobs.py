"""What `stylecam stylize` has to do: which file in which style goes where."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from models.catalogue import find_style, lighter_styles, style_paths
from models.errors import UsageError
from models.pictures import WRITTEN_SUFFIXES
from realtime.sinks.image_file import escaped
from realtime.sources.registry import source_kind

EVERY_STYLE = "all"
VIDEO_SUFFIX = ".mp4"
ANIMATED_SUFFIXES = (".gif", ".webp")
STANDARD = Path("-")
"""Standard input or output."""

VideoFormat = Literal["mp4", "mkv", "mov", "webm", "avi", "gif", "webp"]


@dataclass(frozen=True)
class Job:
    """One file to paint in one style."""

    source: Path
    style: str
    target: Path
    is_video: bool

    def sink(self, path: Path) -> str:
        """The sink that writes to `path`, in which a % is no more than that."""
        return f"file:{path}" if self.is_video else f"image:{escaped(path)}"


def style_names(wanted: tuple[str, ...], default: str) -> list[str]:
    """The styles to paint in. Raises UsageError for one that there is not."""
    if EVERY_STYLE in wanted:
        paths = style_paths()
        lighter = lighter_styles(paths)
        return [name for name in paths if name not in lighter]
    names = list(dict.fromkeys(wanted)) or [default]
    for name in names:
        find_style(name)
    return names


def check_targets(jobs: list[Job], *, overwrite: bool) -> None:
    """Raise UsageError before the work starts for what would fail in the middle of it."""
    for job in jobs:
        if not job.target.is_file():
            continue
        if job.source.is_file() and job.target.samefile(job.source):
            raise UsageError(f"{job.target}: is the source itself; give another name")
        if not overwrite:
            raise UsageError(f"{job.target}: exists already; --force replaces it")


def input_files(inputs: tuple[Path, ...]) -> Iterator[Path]:
    """Yields files as they are, and the pictures and videos in folders. Raises UsageError."""
    for path in inputs:
        if path != STANDARD and not path.exists():
            raise UsageError(f"{path}: no such file")
        if not path.is_dir():
            yield path
            continue
        media = [p for p in sorted(path.iterdir()) if _is_media(p)]
        found = [p for p in media if not _is_own_output(p, media)]
        if not found:
            raise UsageError(f"{path}: no pictures and no videos in this folder")
        yield from found


def _is_media(path: Path) -> bool:
    from realtime.sources.decoding.file_kind import VIDEO_SUFFIXES, file_kind

    if not path.is_file() or path.name.startswith("."):
        return False
    return path.suffix.lower() in VIDEO_SUFFIXES or file_kind(path) != "video"


def _is_own_output(path: Path, media: list[Path]) -> bool:
    """Whether it is what painting another file of the folder writes: photo.STYLE.jpg."""
    stem, dot, style = path.stem.rpartition(".")
    return bool(dot) and style in style_paths() and any(p.stem == stem for p in media)


def make_jobs(
    files: list[Path], styles: list[str], out: Path | None, video_format: VideoFormat | None
) -> list[Job]:
    """A job for each file and style; `out` is a file, or a folder, which is made.

    Raises UsageError if two would write one file.
    """
    one_file = out is not None and (out == STANDARD or out.suffix != "") and not out.is_dir()
    if one_file and len(files) * len(styles) != 1:
        raise UsageError(
            f"{out}: {len(files) * len(styles)} files cannot go into one; name a folder"
        )
    if out is not None and not one_file:
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{out}: this folder cannot be made ({error.strerror})") from None
    jobs = []
    for file in files:
        is_video = source_kind(str(file)) != "image"
        for style in styles:
            name = _name(file, style, is_video, video_format)
            target = out if one_file and out else (out or file.parent) / name
            jobs.append(Job(file, style, target, is_video))
    targets = [job.target for job in jobs]
    for job in jobs:
        if targets.count(job.target) > 1:
            raise UsageError(f"{job.target}: two of the inputs would go there; give other names")
    return jobs


def _name(file: Path, style: str, is_video: bool, video_format: VideoFormat | None) -> str:
    own = file.suffix.lower()
    if is_video:
        animated = own if own in ANIMATED_SUFFIXES else VIDEO_SUFFIX
        suffix = f".{video_format}" if video_format else animated
    else:
        suffix = own if own in WRITTEN_SUFFIXES else ".png"
    stem = "stdin" if file == STANDARD else file.stem
    return f"{stem}.{Path(style).stem if style.endswith('.onnx') else style}{suffix}"
