"""Finds faces in photographs and paintings.

The detector is YuNet (Wu et al. 2023, Machine Intelligence Research 20), through OpenCV; its
weights lie beside this file (MIT, copyright 2020 Shiqi Yu).
"""

from functools import cache
from pathlib import Path

import cv2

from training.data.tensors import Picture

WEIGHTS = Path(__file__).with_name("face_detection_yunet_2023mar.onnx")
SURE = 0.9
"""Score from which on a find in a photograph is a face: OpenCV's own default."""
LEAST_SIDE = 20
"""Pixels: what is smaller has no eyes to be kept."""

Face = tuple[float, float, float, float]
"""Left, top, width, height in pixels; from forehead to chin."""


@cache
def _detector() -> cv2.FaceDetectorYN:
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)  # warns of its own defaults
    try:
        return cv2.FaceDetectorYN.create(str(WEIGHTS), "", (320, 320))
    finally:
        cv2.utils.logging.setLogLevel(level)


def find_faces(picture: Picture, least_score: float = SURE) -> list[Face]:
    """The faces in a picture (H, W, 3) uint8 RGB of at least LEAST_SIDE pixels."""
    detector = _detector()
    detector.setInputSize((picture.shape[1], picture.shape[0]))
    detector.setScoreThreshold(least_score)
    found = detector.detect(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1]
    rows = [] if found is None else found[:, :4].tolist()
    return [(x, y, w, h) for x, y, w, h in rows if min(w, h) >= LEAST_SIDE]
