"""Turns the coarse picture of a generator into the finished one, of any size: bytes, no runtime.

The fine detail comes from the frame itself, so its edges stay sharp however small the generator's
picture was. The purpose is that of joint upsampling (Kopf et al. 2007). Here it is one weighted
sum, because the generator was trained to leave the share `detail` of the frame to this step.
"""

import cv2
import numpy as np

from models.onnx.graph import CoarseCoding
from models.pictures import RGB
from realtime.frames.resize import resize


class Upsampler:
    """Owns a scratch picture, so only one thread may call `compose`."""

    def __init__(self, coding: CoarseCoding) -> None:
        self._coding = coding
        self._scratch = np.empty((0, 0, 3), np.uint8)

    def compose(self, frame: RGB, coarse: RGB, strength: float) -> RGB:
        """The painted picture in the frame's size: a new array, or `coarse` itself.

        All are (H, W, 3) uint8 RGB. Strength 0 gives the frame, 1 the style. `coarse` is coded as
        the CoarseCoding says.
        """
        step, zero, detail = self._coding.step, self._coding.zero, self._coding.detail
        if (strength, detail, step) == (1.0, 0.0, 1.0):
            return resize(coarse, frame.shape[1], frame.shape[0])
        enlarged = self._upsample(coarse, frame.shape)
        kept, gain = 1 - strength * (1 - detail), strength * step
        painted = cv2.addWeighted(frame, kept, enlarged, gain, -gain * zero)
        return np.asarray(painted, np.uint8)

    def _upsample(self, coarse: RGB, shape: tuple[int, ...]) -> RGB:
        if coarse.shape == shape:
            return coarse
        if self._scratch.shape != shape:
            self._scratch = np.empty(shape, np.uint8)
        size = (shape[1], shape[0])
        cv2.resize(coarse, size, dst=self._scratch, interpolation=cv2.INTER_LINEAR)
        return self._scratch
