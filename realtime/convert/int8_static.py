"""Makes an eight-bit generator, and checks it on photographs against the full-precision one.

"int8 weights" stores the kernels in eight bits and computes in float
(models/onnx/int8_weights.py). "int8" also computes its convolutions in eight bits, by ONNX
Runtime's static quantisation: QDQ, kernels per channel and symmetric, activations clipped at the
99.9th percentile on the photographs.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort

from models.errors import ModelError
from models.onnx.fp16 import PictureDifference, picture_difference
from models.onnx.graph import read_weights
from models.onnx.int8_weights import quantize_weights
from models.onnx.session import SessionSettings, cpu_session, session_options
from models.pictures import RGB
from realtime.convert.calibration import Calibration

LEAST_PSNR = 30.0
PERCENTILE = 99.9
"""Of 99 to 99.999, minimum and maximum, entropy, and moving averages, this came closest to full
precision on all shipped styles (docs/log.md)."""


def checked_int8_weights(
    model: onnx.ModelProto, path: Path, photographs: Calibration
) -> tuple[onnx.ModelProto, PictureDifference]:
    """The model with int8 kernels, and how far its pictures of held-out photographs are off.

    Raises ModelError if their PSNR is below LEAST_PSNR.
    """
    architecture, weights = read_weights(model)
    return _checked(model, quantize_weights(model, architecture, weights), path, photographs)


def checked_int8(
    model: onnx.ModelProto, path: Path, photographs: Calibration
) -> tuple[onnx.ModelProto, PictureDifference]:
    """The model computing in int8, fitted to photographs; otherwise like `checked_int8_weights`."""
    return _checked(model, quantize(model, photographs.fitted), path, photographs)


def _checked(
    model: onnx.ModelProto, smaller: onnx.ModelProto, path: Path, photographs: Calibration
) -> tuple[onnx.ModelProto, PictureDifference]:
    off = picture_difference(
        _paint(model, photographs.held_out),
        _paint(smaller, photographs.held_out),
    )
    if not off.psnr >= LEAST_PSNR:
        raise ModelError(
            f"{path}: int8 is off on {len(photographs.held_out)} held-out photographs, nothing "
            f"written: {off}, {LEAST_PSNR:.0f} dB is the least; try --int8 weights, or --half"
        )
    return smaller, off


def _paint(model: onnx.ModelProto, pictures: list[RGB]) -> RGB:
    """The painted pictures, all in one column."""
    session = cpu_session(model)
    return np.concatenate([session.run(None, {"frame": picture})[0] for picture in pictures])


def quantize(model: onnx.ModelProto, photographs: list[RGB]) -> onnx.ModelProto:
    """The graph with int8 convolutions, without metadata. `model` is not changed.

    `photographs` are (H, W, 3) uint8 RGB, all of one size: their activations set the ranges.
    """
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    folded = _constants_folded(model)
    inputs = list(folded.graph.input)
    # Without the input "strength", strength is a constant 1 during the calibration.
    _keep(folded.graph.input, [entry for entry in inputs if entry.name != "strength"])
    with TemporaryDirectory(prefix="stylecam-int8-") as folder, _quietly():
        source, result = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        onnx.save(folded, source)
        quantize_static(
            source,
            result,
            _Reader(photographs),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            weight_type=QuantType.QInt8,
            activation_type=QuantType.QUInt8,
            calibrate_method=CalibrationMethod.Percentile,
            op_types_to_quantize=["Conv", "Relu"],
            nodes_to_exclude=_without_bias(folded),
            extra_options={"CalibPercentile": PERCENTILE},
        )
        small = onnx.load(result)
    _keep(small.graph.input, inputs)
    _keep(small.opset_import, [entry for entry in small.opset_import if not entry.domain])
    del small.metadata_props[:], small.graph.value_info[:]
    onnx.checker.check_model(small, full_check=True)
    return small


def _constants_folded(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with constants folded, so that the kernels to round are scaled and shuffled."""
    with TemporaryDirectory(prefix="stylecam-int8-") as folder:
        out = Path(folder) / "folded.onnx"
        options = session_options(SessionSettings(1))
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(out)
        cpu_session(model, options)
        return onnx.load(out)


def _without_bias(model: onnx.ModelProto) -> list[str]:
    """Names of convolutions without bias: they only shrink the input; int8 would coarsen it."""
    return [n.name for n in model.graph.node if n.op_type == "Conv" and len(n.input) == 2]


class _Reader:
    """Feeds photographs to the calibration one by one, as onnxruntime.quantization asks."""

    def __init__(self, photographs: list[RGB]) -> None:
        self._coming = iter(photographs)

    def get_next(self) -> dict[str, RGB] | None:
        picture = next(self._coming, None)
        return None if picture is None else {"frame": picture}


def _keep(field: Any, entries: list[Any]) -> None:
    """Replace the contents of a repeated protobuf field, which cannot be assigned to."""
    del field[:]
    field.extend(entries)


@contextmanager
def _quietly() -> Iterator[None]:
    """Silence the quantiser: it prints progress, and the root logger warns of steps done here."""
    root = logging.getLogger()
    root.addFilter(_says_nothing)
    try:
        with redirect_stdout(StringIO()):
            yield
    finally:
        root.removeFilter(_says_nothing)


def _says_nothing(record: logging.LogRecord) -> bool:
    return record.name != "root"
