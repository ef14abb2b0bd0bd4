"""The list of cameras, and which of them is the one that was seen before."""

from dataclasses import replace
from pathlib import Path

import pytest

from realtime.sources.camera_list import CameraInfo, device_number, find_again, list_cameras

MINE = CameraInfo(0, "UVC Camera", Path("/dev/video0"), "046d:0825", "0001", "/sys/usb1/1-1:1.0")
OTHER = replace(MINE, index=2, path=Path("/dev/video2"), port="/sys/usb1/1-2:1.0")
"""The same model; its maker gave every one the same serial number."""
LOOPBACK = CameraInfo(8, "stylecam", Path("/dev/video8"), port="/sys/virtual/video8")


def moved(camera: CameraInfo, index: int, port: str = "") -> CameraInfo:
    return replace(camera, index=index, path=Path(f"/dev/video{index}"), port=port or camera.port)


def test_a_device_file_may_be_a_link():
    """Udev's stable names are links to /dev/videoN."""
    assert device_number("/dev/../dev/video12") == 12
    assert device_number("/dev/null") is None
    assert device_number("/home/video3") is None


def node(root, number, name, *, index=0, virtual=False):
    place = root / "devices" / ("virtual" if virtual else "pci") / f"video{number}"
    place.mkdir(parents=True)
    (place / "name").write_text(f"{name}\n")
    (place / "index").write_text(f"{index}\n")
    (root / "class").mkdir(exist_ok=True)
    (root / "class" / f"video{number}").symlink_to(place)


def test_linux_lists_cameras_by_number_without_metadata_nodes_virtual_ones_last(tmp_path):
    node(tmp_path, 0, "Dummy video device", virtual=True)
    node(tmp_path, 10, "Second", index=0)
    node(tmp_path, 2, "First", index=0)
    node(tmp_path, 3, "First", index=1)
    found = [(c.index, c.name, c.path) for c in list_cameras(tmp_path / "class")]
    assert found == [
        (2, "First", Path("/dev/video2")),
        (10, "Second", Path("/dev/video10")),
        (0, "Dummy video device", Path("/dev/video0")),
    ]


def test_without_a_listing_there_are_none(tmp_path):
    assert list_cameras(tmp_path / "nothing here") == []


def test_a_usb_camera_is_listed_with_its_model_serial_number_and_port(tmp_path):
    node(tmp_path, 0, "Logitech C920")
    usb = tmp_path / "devices" / "usb1" / "1-2"
    (usb / "1-2:1.0").mkdir(parents=True)
    for name, text in (("idVendor", "046d"), ("idProduct", "0825"), ("serial", "A1B2")):
        (usb / name).write_text(f"{text}\n")
    (tmp_path / "devices" / "pci" / "video0" / "device").symlink_to(usb / "1-2:1.0")
    (camera,) = list_cameras(tmp_path / "class")
    assert (camera.model, camera.serial) == ("046d:0825", "A1B2")
    assert camera.port == str(usb / "1-2:1.0")


@pytest.mark.parametrize(
    ("present", "others", "index"),
    [
        ([MINE, OTHER], [OTHER], 0),
        ([moved(MINE, 4)], [], 4),
        ([moved(MINE, 4, "/sys/usb2/2-1:1.0")], [], 4),
        ([OTHER, moved(MINE, 4, "/sys/usb2/2-1:1.0")], [OTHER], 4),
        ([moved(OTHER, 0), moved(MINE, 2)], [OTHER], 2),
        ([OTHER], [OTHER], None),
        ([moved(OTHER, 0)], [OTHER], None),
        ([replace(MINE, serial="0002")], [], None),
        ([replace(MINE, model="046d:0843")], [], None),
        ([moved(MINE, 4, "/sys/a"), moved(MINE, 5, "/sys/b")], [], None),
        ([], [], None),
    ],
    ids=[
        *("there", "another node", "another port", "another port beside its twin"),
        *("numbers exchanged", "only its twin", "its twin at its number"),
        *("another of the model", "another model", "two that could be it", "none"),
    ],
)
def test_the_same_camera_is_found_again_and_never_another(present, others, index):
    again = find_again(MINE, present, others)
    assert (again.index if again else None) == index


def test_a_camera_that_is_not_on_usb_is_known_by_its_place():
    assert find_again(LOOPBACK, [LOOPBACK], []) == LOOPBACK
    assert find_again(LOOPBACK, [moved(LOOPBACK, 9, "/sys/virtual/video9")], []) is None
