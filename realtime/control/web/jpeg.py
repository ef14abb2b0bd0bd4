"""The page's pictures as JPEG."""

import cv2

from models.pictures import RGB


def encode_jpeg(rgb: RGB, quality: int) -> bytes | None:
    """The picture (H, W, 3) as a JPEG file; None if OpenCV cannot make one.

    `quality` is from 1 (smallest) to 100 (best).
    """
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    done, jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return jpeg.tobytes() if done else None
