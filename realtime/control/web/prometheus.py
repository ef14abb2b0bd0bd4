"""The figures of a run in the text format of Prometheus (exposition format 0.0.4). Pure."""

from realtime.control.monitor import Effort, Monitor
from realtime.control.state import Settings

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition(monitor: Monitor, settings: Settings) -> str:
    """All figures, each with its help and type; times in seconds, as Prometheus wants them."""
    figures, lost_for = monitor.figures(), monitor.lost_for
    lines = [
        *_single("frames_in_total", "counter", "Frames read from the source.", figures.frames_in),
        *_single("frames_out_total", "counter", "Pictures finished.", figures.frames_out),
        *_single(
            "frames_unchanged_total",
            "counter",
            "Pictures that were shown again, because the scene did not change.",
            figures.unchanged,
        ),
        *_single("frames_dropped_total", "counter", "Frames dropped.", figures.dropped),
        *_single("frames_per_second", "gauge", "Pictures finished per second.", figures.fps),
        *_single("source_lost_seconds", "gauge", "Time without a new frame.", lost_for or 0.0),
        *_single("recording", "gauge", "1 while a recording runs.", int(settings.recording)),
        *_single("strength", "gauge", "Strength of the style, 0 to 1.", settings.strength),
        *_effort(monitor.effort),
        *_head("stage_seconds", "gauge", "Time by stage; latency is the age at the outputs."),
    ]
    for stage, (p50, p95) in figures.milliseconds.items():
        for quantile, milliseconds in (("0.5", p50), ("0.95", p95)):
            labels = f'stage="{_escaped(stage)}",quantile="{quantile}"'
            lines.append(f"stylecam_stage_seconds{{{labels}}} {milliseconds / 1000:g}")
    lines += _head("style_info", "gauge", "The style that is chosen.")
    lines.append(f'stylecam_style_info{{style="{_escaped(settings.style)}"}} 1')
    return "\n".join(lines) + "\n"


def _effort(effort: Effort) -> list[str]:
    lines = [
        *_single("painted_scale", "gauge", "Painted size, against the usual.", effort.scale),
        *_single("lighter", "gauge", "1 while the lighter generator paints.", int(effort.lighter)),
    ]
    others: list[tuple[str, str, float | None]] = [
        ("threads", "Threads that paint, while they are fewer than usual.", effort.threads),
        ("most_frames_per_second", "Rate above which frames are skipped.", effort.most_fps),
        ("cpu_share", "Share of all cores that was used last.", effort.cpu),
        ("cpu_budget", "Share of all cores that may be used.", effort.cpu_budget),
    ]
    for name, text, value in others:
        lines += _single(name, "gauge", text, value) if value is not None else []
    return lines


def _head(name: str, kind: str, text: str) -> list[str]:
    return [f"# HELP stylecam_{name} {text}", f"# TYPE stylecam_{name} {kind}"]


def _single(name: str, kind: str, text: str, value: float) -> list[str]:
    return [*_head(name, kind, text), f"stylecam_{name} {value:.12g}"]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
