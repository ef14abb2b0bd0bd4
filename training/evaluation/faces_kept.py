"""How many of the faces in photographs can still be found in their paintings."""

from collections.abc import Iterable
from dataclasses import dataclass

from training.data.faces.detector import Face, find_faces
from training.data.tensors import Picture, shrink_to
from training.evaluation.metrics import Painter

LONGER_SIDE = 480
"""Pixels at which photographs are painted: about the size at which a live run paints."""
LEAST_WIDTH = 36
"""Pixels: a person at a desk is larger; of smaller ones hardly a stroke is left."""
LIKELY = 0.5
"""Score from which on a find in a painting counts: rather a face than not."""
SAME_PLACE = 0.35
"""Intersection over union of two boxes that show the same face."""


@dataclass(frozen=True)
class FacesKept:
    """`found` of the `shown` faces were found again."""

    found: int
    shown: int


def faces_kept(painter: Painter, photographs: Iterable[Picture]) -> FacesKept:
    """Paint the photographs (H, W, 3) uint8 RGB that show faces, and look for these again."""
    found = shown = 0
    for photograph in photographs:
        picture = shrink_to(photograph, LONGER_SIDE, longer=True)
        faces = [face for face in find_faces(picture) if face[2] >= LEAST_WIDTH]
        if not faces:
            continue
        again = find_faces(painter(picture), LIKELY)
        shown += len(faces)
        found += sum(any(overlap(x, y) > SAME_PLACE for y in again) for x in faces)
    return FacesKept(found, shown)


def overlap(first: Face, second: Face) -> float:
    """Intersection over union of two boxes, 0..1."""
    across = min(first[0] + first[2], second[0] + second[2]) - max(first[0], second[0])
    down = min(first[1] + first[3], second[1] + second[3]) - max(first[1], second[1])
    common = max(0.0, across) * max(0.0, down)
    return common / (first[2] * first[3] + second[2] * second[3] - common)
