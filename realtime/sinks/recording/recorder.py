"""Records a video file, with real timestamps. Uses PyAV."""

import math
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
from av.video.frame import PictureType

from models.errors import SinkFault, UsageError
from models.system.output_path import check_writable
from realtime.config.schema import RecordingConfig
from realtime.frames.files import file_address
from realtime.frames.frame import Frame, FrameFormat
from realtime.sinks import Sink
from realtime.sinks.recording.held_packet import HeldPacket
from realtime.sinks.recording.microphone.microphone import Listener, Microphone
from realtime.sinks.recording.microphone.sound_track import MicrophoneTrack
from realtime.sinks.recording.output_file import OutputFile
from realtime.sinks.recording.remux import longest, remux
from realtime.sinks.recording.source_tracks import SourceTracks
from realtime.sinks.recording.video.containers import (
    CONTAINERS,
    FRAGMENTED_WITH_MICROPHONE,
    FRAGMENTED_WITH_SOUND,
)
from realtime.sinks.recording.video.encoder import add_video
from realtime.sinks.recording.video.encoder_choice import EncoderChoice
from realtime.sinks.recording.video.yuv import to_yuv

LEAST_SECONDS = Fraction(1, 1000)
KEYFRAME_SECONDS = 1.0
"""Seconds between keyframes: what a kill loses at most, besides the few frames in the encoder."""

STDOUT = Path("-")
SILENCE = 0.75
"""Seconds without a picture after which the newest one is written to the file."""
REPEAT_AFTER = 0.1
"""By how many seconds a picture is later that is given again for that."""


class Recorder(Sink):
    """Writes every frame to `path`, at its own time from the first; the suffix sets the container.

    `crf` is H.264's constant rate factor, 0 (lossless) to 51; other encoders get an equivalent.
    `codec` and `encoder` are those of RecordingConfig.
    yuv420p needs an even size: an odd one gains a line or column that repeats the last. With
    `audio_from` (a file, or the address of one), its sound, subtitles, chapters and title are
    carried over, in step. Where frames have a `begin`, the first picture is shown from there.

    Live recordings without `audio_from` get the sound of `microphone`, in step, if there is one.

    "-" is standard output, as Matroska. The file is locked while it is open, and left as it was
    until the first frame. If the process is killed, it can be played up to about the last second:
    MP4 and MOV are written in fragments. `close` rewrites them as plain files whose index comes
    first. AVI has a fixed rate, to which times are rounded. If it is opened for `live` frames,
    encoding takes less work and the file is somewhat larger.
    """

    live = False
    pump_interval: float | None = SILENCE

    def __init__(
        self,
        path: Path,
        *,
        name: str | None = None,
        crf: int = RecordingConfig().crf,
        codec: str = "auto",
        encoder: str = "auto",
        audio_from: Path | str | None = None,
        microphone: Microphone | None = None,
        encoders: Collection[str] = av.codecs_available,
    ) -> None:
        self.name = name or f"file:{path}"
        self._path = path
        self._crf = crf
        self._audio_from = audio_from
        self._microphone = microphone if audio_from is None else None
        self._listener: Listener | None = None
        self._sound: MicrophoneTrack | None = None
        suffix = ".mkv" if path == STDOUT else path.suffix.lower()
        if suffix not in CONTAINERS:
            what = f"unknown video format {path.suffix!r}" if path.suffix else "no file ending"
            raise UsageError(f"{path}: {what}; one of: {', '.join(CONTAINERS)}")
        self._kind = CONTAINERS[suffix]
        self._choice = EncoderChoice(path, suffix, codec=codec, encoder=encoder, available=encoders)
        self._output: av.container.OutputContainer | None = None
        self._file: OutputFile | None = None
        self._tracks: SourceTracks | None = None
        self._faulty = False

    @property
    def close_timeout(self) -> float:
        """Seconds that `close` may take: a fragmented file is copied twice."""
        return longest(self._path) if self._kind.fragmented else 0.0

    def open(self, frames: FrameFormat) -> None:
        if self._path != STDOUT:
            check_writable(self._path)
            if self._path.is_file() or not self._path.exists():  # no device, no pipe
                self._file = OutputFile(self._path)
        self._size = (frames.width, frames.height)
        self._encoder = self._choice.take(self._size, live=frames.live, lossless=self._crf == 0)
        self._rate = Fraction(frames.fps).limit_denominator(1001)
        self._frames_live = frames.live
        if self._microphone is not None and frames.live:
            self._listener = self._microphone.listen()
        self._wanted_begin, self._wanted_end = frames.begin, frames.end
        self._faulty = False

    def _start(self, first: Frame) -> None:
        sound = self._audio_from is not None and self._has_tracks(self._audio_from)
        kind = self._kind.options
        if self._kind.fragmented and (sound or self._listener is not None):
            kind = FRAGMENTED_WITH_SOUND if sound else FRAGMENTED_WITH_MICROPHONE
        if self._file is not None:
            self._file.begin()
        self._output = av.open(
            self._file or ("pipe:1" if self._path == STDOUT else file_address(self._path)),
            "w",
            format=self._kind.format,
            # Each packet is handed to the system at once, so that a kill cannot lose it.
            options={"flush_packets": "1", "max_interleave_delta": "1000000", **kind},
        )
        self._stream = add_video(
            self._output,
            self._encoder,
            size=self._size,
            rate=self._rate,
            crf=self._crf,
            fixed_rate=self._kind.fixed_rate,
            live=self._frames_live,
        )
        # Matroska's time steps are 1 ms: frames closer than that would get the same time.
        self._least_ticks = math.ceil(LEAST_SECONDS / self._stream.codec_context.time_base)
        self._begin = first.timestamp if self._wanted_begin is None else self._wanted_begin
        self._last_pts = -self._least_ticks
        self._last_key: float | None = None
        self._repeated = False
        # A live picture is not held back until its duration is known: a kill would lose it.
        self._held = None if self._frames_live else HeldPacket(self._output)
        if self._listener is not None:
            self._sound = MicrophoneTrack(self._output, self._listener)
        if self._audio_from is not None and sound:
            self._tracks = SourceTracks(
                address(self._audio_from),
                self._output,
                name=str(self._audio_from),
                begin=self._begin,
                end=self._wanted_end,
            )
            if not self._kind.fragmented:  # fragments get them when they are rewritten
                self._output.set_chapters(self._tracks.chapters)

    def _has_tracks(self, source: Path | str) -> bool:
        """A live stream cannot be read a second time for its sound."""
        return isinstance(source, Path) or self._wanted_begin is not None

    def write(self, frame: Frame) -> None:
        if frame.rgb.shape != (self._size[1], self._size[0], 3):
            height, width = frame.rgb.shape[:2]
            raise SinkFault(
                f"{self._path}: a frame of {width}×{height} in a recording of "
                f"{self._size[0]}×{self._size[1]}"
            )
        self._check_file()
        with self._faults_told():
            if self._output is None:
                self._start(frame)
            self._encode(frame)

    def pump(self) -> None:
        """While no picture comes, let a kill lose neither the newest one nor the sound.

        Containers write a picture once the next one comes, so it is given again. Without a
        microphone, that is once, and a moment later only: the source's own time line may have stood
        still meanwhile. Sound goes on by the clock, and waits for pictures of its time.
        """
        self._check_file()
        if self._output is None or not self._frames_live:
            return
        since = time.monotonic() - self._written_at
        with self._faults_told():
            if self._sound is not None:
                self._encode_at(self._seconds + since, self._last_picture)
                self._sound.advance(self._seconds + since, self._captured + since)
            elif not self._repeated:
                self._repeated = True
                self._encode_at(self._seconds + REPEAT_AFTER, self._last_picture)

    @contextmanager
    def _faults_told(self) -> Iterator[None]:
        """What goes wrong within ends the recording with a SinkFault."""
        try:
            yield
        except (av.FFmpegError, OSError) as error:
            self._faulty = True
            raise SinkFault(f"{self._path}: recording stopped ({error.strerror})") from None

    def _check_file(self) -> None:
        if self._file is None:
            return
        try:
            self._file.check()
        except SinkFault:
            self._faulty = not self._file.in_place
            raise

    def _encode(self, frame: Frame) -> None:
        # The first picture is shown from the beginning, even if the source's begins later.
        seconds = max(0.0, frame.timestamp - self._begin) if self._last_pts >= 0 else 0.0
        self._end = frame.timestamp - self._begin + (frame.duration or float(1 / self._rate))
        self._encode_at(seconds, to_yuv(frame.rgb))
        if self._tracks is not None:
            self._tracks.advance(seconds)
        if self._sound is not None:
            self._sound.advance(seconds, frame.captured)
        self._seconds, self._captured = seconds, frame.captured
        self._written_at, self._repeated = time.monotonic(), False

    def _encode_at(self, seconds: float, picture: av.VideoFrame) -> None:
        step = self._stream.codec_context.time_base
        picture.time_base = step
        picture.pts = max(round(seconds / step), self._last_pts + self._least_ticks)
        picture.duration = self._frame_ticks
        key = self._last_key is None or seconds - self._last_key >= KEYFRAME_SECONDS
        picture.pict_type = PictureType.I if key else PictureType.NONE
        self._last_key = seconds if key else self._last_key
        self._last_pts, self._last_picture = picture.pts, picture
        self._mux(self._stream.encode(picture))

    def _mux(self, packets: list[av.Packet]) -> None:
        assert self._output is not None
        if self._held is not None:
            self._held.mux(packets)
        else:
            self._output.mux(packets)

    @property
    def _frame_ticks(self) -> int:
        return round(1 / (self._rate * self._stream.codec_context.time_base))

    def _finish(self) -> None:
        """Show the last picture until its end, and carry what else belongs to that time."""
        assert self._output is not None
        step = self._stream.codec_context.time_base
        end = max(round(self._end / step), self._last_pts + self._frame_ticks)
        last = 1 if self._kind.fixed_rate else self._frame_ticks
        if (self._kind.fixed_rate or self._held is None) and end > self._last_pts + last:
            # No duration tells that the last picture stays: it is given again.
            self._encode_at(float((end - last) * step), self._last_picture)
        self._mux(self._stream.encode(None))
        if self._tracks is not None:
            self._tracks.finish(float(end * step))
        if self._sound is not None:
            self._sound.finish(self._end)
        if self._held is not None:
            self._held.finish(end - self._last_pts)

    def end_at(self, timestamp: float) -> None:
        """Show the last picture until then: another recording goes on with the next one."""
        if self._output is not None:
            self._end = timestamp - self._begin

    def close(self) -> None:
        """Finish the file. Raises SinkFault with the reason if that fails."""
        file, self._file = self._file, None
        try:
            if self._output is not None:
                self._close_output(self._output, file)
        finally:
            listener, self._listener, self._sound = self._listener, None, None
            if listener is not None:
                listener.close()
            if file is not None:
                file.close()

    def _close_output(self, output: av.container.OutputContainer, file: OutputFile | None) -> None:
        try:
            if not self._faulty:
                self._finish()
            output.close()
            # FFmpeg says nothing of what goes wrong while it writes the rest of its buffer.
            if file is not None and file.error is not None:
                raise file.error
        except (av.FFmpegError, OSError) as error:
            if self._faulty:  # reported when it happened; what is written can be played
                return
            reason = f"could not be finished ({error.strerror}); its last second may be missing"
            raise SinkFault(f"{self._path}: {reason}") from None
        finally:
            self._output = None
            chapters = self._tracks.chapters if self._tracks is not None else []
            if self._tracks is not None:
                self._tracks.close()
                self._tracks = None
        if self._faulty:
            return
        if file is not None and not file.in_place:
            raise SinkFault(f"{self._path}: was removed or replaced while recording; it is lost")
        if self._kind.fragmented:
            remux(self._path, self._kind.format, chapters)


def address(source: Path | str) -> str:
    """What FFmpeg opens: a local file whatever is in its name, or an address as it is."""
    return file_address(source) if isinstance(source, Path) else source
