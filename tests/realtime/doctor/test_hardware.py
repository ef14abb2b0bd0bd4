"""Cameras, loopback devices and displays, described in files."""

from pathlib import Path

import pytest

from models.errors import SinkFault
from realtime.doctor import hardware


@pytest.fixture
def loopback(tmp_path: Path) -> Path:
    folder = tmp_path / "v4l2loopback"
    (folder / "parameters").mkdir(parents=True)
    return folder


def test_no_loopback_gives_the_commands(tmp_path: Path):
    (finding,) = hardware.check_virtual_camera(tmp_path / "none", "linux", lambda: "it is off")
    assert finding.status == "warn"
    assert "it is off" in finding.detail
    assert "modprobe v4l2loopback" in finding.remedy


def test_no_loopback_is_well_where_pipewire_gives_a_camera(tmp_path: Path):
    (finding,) = hardware.check_virtual_camera(tmp_path / "none", "linux", lambda: None)
    assert finding.status == "ok"
    assert "PipeWire" in finding.detail


@pytest.mark.parametrize(
    ("flags", "status"), [("Y,N,N,N\n", "ok"), ("N,N\n", "warn"), (None, "warn")]
)
def test_exclusive_caps_decides_whether_chrome_sees_it(
    loopback: Path, flags: str | None, status: str
):
    if flags is not None:
        (loopback / "parameters" / "exclusive_caps").write_text(flags)
    (finding,) = hardware.check_virtual_camera(loopback, "linux")
    assert finding.status == status
    if status == "warn":
        assert "exclusive_caps=1" in finding.remedy


@pytest.mark.skipif(hardware.sys.platform != "linux", reason="only Linux lists cameras by name")
def test_cameras_are_listed_by_name(tmp_path: Path):
    assert [f.status for f in hardware.check_cameras(tmp_path)] == ["warn"]
    camera = tmp_path / "video7"
    camera.mkdir()
    (camera / "name").write_text("Friendly Webcam\n")
    (camera / "index").write_text("0\n")
    findings = list(hardware.check_cameras(tmp_path))
    assert findings[-1].status == "ok"
    assert "7 (Friendly Webcam)" in findings[-1].detail


def test_no_display_recommends_the_page(monkeypatch: pytest.MonkeyPatch):
    from realtime.sinks import window

    monkeypatch.setattr(window, "display_available", lambda: False)
    findings = {finding.subject: finding for finding in hardware.check_display()}
    assert findings["OpenCV"].status == "ok"
    assert findings["window"].status == "warn"
    assert "web" in findings["window"].remedy


@pytest.mark.parametrize(("version", "said"), [(None, "optional"), ("2026.4.1", "2026.4.1")])
def test_openvino_is_named_where_it_is_and_missed_by_nobody(version, said, monkeypatch):
    monkeypatch.setattr(hardware, "installed_version", lambda name: version)
    (finding,) = hardware.check_openvino()
    assert (finding.status, said in finding.detail) == ("ok", True)


def test_this_machine_has_a_processor_a_device_and_an_encoder():
    for check in (hardware.check_processor, hardware.check_providers, hardware.check_encoder):
        (finding,) = check()
        assert finding.status in ("ok", "warn")
        assert finding.detail


def test_microphones_are_named_and_their_lack_is_no_fault(monkeypatch):
    def silent() -> list[str]:
        raise SinkFault("no sound system")

    cases = ((lambda: ["USB", "Built-in"], "ok", "USB, Built-in"), (silent, "warn", "none"))
    monkeypatch.setattr(hardware, "installed_version", lambda name: "1.71")
    for found, status, detail in cases:
        monkeypatch.setattr("realtime.sinks.recording.microphone.device.microphones", found)
        (finding,) = hardware.check_microphones()
        assert (finding.status, finding.detail) == (status, detail)
    monkeypatch.setattr(hardware, "installed_version", lambda name: None)
    (finding,) = hardware.check_microphones()
    assert "pip install 'stylecam[microphone]'" in finding.detail


def test_a_disk_without_room_for_recordings_is_told(tmp_path, monkeypatch):
    (finding,) = hardware.check_disk(tmp_path / "not" / "yet")
    assert finding.status in ("ok", "warn")
    assert "GB free" in finding.detail
    monkeypatch.setattr(hardware, "ROOM", 1e18)
    (finding,) = hardware.check_disk(tmp_path)
    assert finding.status == "warn"
    assert "make room" in finding.remedy
