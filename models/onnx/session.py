"""ONNX Runtime sessions, and the options that all of them share."""

from dataclasses import dataclass
from pathlib import Path

import onnx
import onnxruntime as ort

from models.system.cpu import physical_cores

SPIN_US = 50
"""Microseconds that an idle worker thread looks for work (spins) before it sleeps. This is longer
than the wait between two layers, so that it need not be woken for each layer, but too short to
cost other programs anything, or to matter between frames. Measurements: docs/bench.md."""
ERRORS_ONLY = 3
"""As log severity: ONNX Runtime would also warn of every input that has a default."""


@dataclass(frozen=True)
class SessionSettings:
    """`spin_us` is explained at SPIN_US; `profile` is the path prefix of a profile to write."""

    threads: int
    spin_us: int = SPIN_US
    profile: Path | None = None


def session_options(settings: SessionSettings, *, optimise: bool = True) -> ort.SessionOptions:
    """Options for a session with the given threads that is quiet when idle and saves memory.

    `optimise` False saves time for a graph that is as the runtime would make it.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = settings.threads
    options.inter_op_num_threads = 1
    options.log_severity_level = ERRORS_ONLY
    if not optimise:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    # With the memory pattern, one more block for the whole graph is allocated beside the arena:
    # twice the memory at the same speed.
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.intra_op.spin_duration_us", str(settings.spin_us))
    if settings.profile:
        options.enable_profiling = True
        options.profile_file_prefix = str(settings.profile)
    return options


def cpu_session(
    model: onnx.ModelProto, options: ort.SessionOptions | None = None
) -> ort.InferenceSession:
    """A session on the CPU, by default with a thread per physical core."""
    options = options or session_options(SessionSettings(physical_cores()))
    return ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
