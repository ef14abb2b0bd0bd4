"""Exported files: whole, verified, and nothing written or replaced on an error."""

import sys
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest

from models.card import ARCHITECTURE_KEY, StyleCard, load_card, write_card
from models.errors import ModelError, StylecamError, UsageError
from models.generator.architecture import fast, folded
from models.generator.parameters import random_weights
from models.onnx.fp16 import is_half
from models.onnx.graph import read_weights
from realtime.convert import write_style as exporting
from realtime.convert.write_style import export
from realtime.inference.backends.onnx_runtime import OnnxRuntimeBackend


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder / "mine.onnx"


@pytest.fixture
def photo_folder(tmp_path: Path) -> Path:
    """Photographs, in so far as they are smooth here and busy there; one of them is damaged."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    for seed in range(5):
        noise = np.random.default_rng(seed).integers(0, 256, (80, 96, 3), dtype=np.uint8)
        smooth = cv2.GaussianBlur(noise, (0, 0), 1 + 2 * seed)
        wide = cv2.normalize(smooth, np.empty_like(smooth), 0, 255, cv2.NORM_MINMAX)
        cv2.imwrite(str(folder / f"{seed}.png"), wide)
    (folder / "damaged.jpg").write_bytes(b"no picture")
    return folder


def paint(path: Path, picture: np.ndarray) -> np.ndarray:
    backend = OnnxRuntimeBackend(device="cpu", threads=1)
    backend.load(load_card(path))
    return backend.stylize(picture).astype(int)


def test_a_copy_paints_the_same_and_carries_its_new_card_inside(
    brush: StyleCard, out: Path, picture: np.ndarray
):
    exported = export(str(brush.path), out)
    assert exported.off is None
    assert exported.card.name == "mine"
    assert np.array_equal(paint(out, picture), paint(brush.path, picture))
    out.with_suffix(".yaml").unlink()
    assert load_card(out).name == "mine"


def test_half_precision_is_half_the_size_and_says_how_far_it_is_off(
    brush: StyleCard, out: Path, picture: np.ndarray
):
    exported = export(str(brush.path), out, precision="fp16")
    assert exported.off is not None
    assert exported.off.acceptable
    assert "PSNR" in str(exported)
    assert is_half(onnx.load(out))
    assert np.abs(paint(out, picture) - paint(brush.path, picture)).mean() < 0.5
    assert read_weights(onnx.load(out))[0] == read_weights(onnx.load(brush.path))[0]


def test_the_preview_goes_along(brush: StyleCard, out: Path):
    brush.preview.write_bytes(b"a picture")
    export(str(brush.path), out)
    assert out.with_suffix(".jpg").read_bytes() == b"a picture"


def test_half_precision_that_does_not_fit_writes_nothing(make_style, out: Path):
    architecture = folded(fast(0.25))
    weights = random_weights(architecture)
    weights["core.2.body.0.conv.bias"] += 1e6
    card = make_style(architecture, weights)
    with pytest.raises(ModelError, match=r"does not fit, nothing written.*conv\.bias"):
        export(str(card.path), out, precision="fp16")
    assert list(out.parent.iterdir()) == []


def test_half_of_half_is_refused(brush: StyleCard, out: Path):
    export(str(brush.path), out, precision="fp16")
    with pytest.raises(UsageError, match="half precision already"):
        export(str(out), out.with_name("twice.onnx"), precision="fp16")


def test_an_existing_file_is_replaced_only_by_force(brush: StyleCard, out: Path):
    out.write_bytes(b"precious")
    with pytest.raises(UsageError, match="exists already; --force"):
        export(str(brush.path), out)
    assert out.read_bytes() == b"precious"
    export(str(brush.path), out, force=True)
    assert load_card(out).name == "mine"


def test_a_damaged_source_leaves_the_old_file_even_under_force(brush: StyleCard, out: Path):
    out.write_bytes(b"precious")
    brush.path.write_bytes(brush.path.read_bytes()[:500])
    with pytest.raises(ModelError, match="damaged"):
        export(str(brush.path), out, force=True)
    assert out.read_bytes() == b"precious"
    assert list(out.parent.iterdir()) == [out]


@pytest.mark.parametrize(
    ("target", "name", "message"),
    [
        ("mine.pt", None, "must be called NAME.onnx"),
        ("My Style.onnx", None, "small letters"),
        ("mine.onnx", "../evil", "small letters"),
        ("missing/mine.onnx", None, "there is no folder"),
    ],
)
def test_a_wrong_place_or_name_is_refused_first(
    brush: StyleCard, out: Path, target: str, name: str | None, message: str
):
    with pytest.raises(UsageError, match=message):
        export(str(brush.path), out.parent / target, name=name)


def test_a_place_that_cannot_be_written_is_one_line(brush: StyleCard):
    """Even root cannot make a file in /proc, whatever its mode says."""
    if not Path("/proc").is_dir():
        pytest.skip("this system has no /proc")
    with pytest.raises(StylecamError, match=r"/proc/x\.onnx: (cannot be written|the folder)"):
        export(str(brush.path), Path("/proc/x.onnx"))


def test_an_unknown_style_is_answered_with_a_hint(out: Path):
    with pytest.raises(UsageError, match="unknown style 'stary-night'"):
        export("stary-night", out)


def register(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    points = EntryPoints([EntryPoint("checkpoint", value, exporting.EXPORTERS)])
    monkeypatch.setattr(exporting, "entry_points", points.select)


def test_a_checkpoint_goes_to_the_exporter_that_training_registered(
    brush: StyleCard, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    module = type(sys)("a_training_half")
    asked = []

    def export_checkpoint(path: Path, to: Path, *, name: str) -> StyleCard:
        asked.append((path, name))
        to.write_bytes(brush.path.read_bytes())
        return brush.model_copy(update={"path": to})

    module.export_checkpoint = export_checkpoint
    monkeypatch.setitem(sys.modules, "a_training_half", module)
    register(monkeypatch, "a_training_half:export_checkpoint")
    exported = export(str(tmp_path / "run.pt"), out, name="from-run", precision="fp16")
    assert asked == [(tmp_path / "run.pt", "from-run")]
    assert exported.card.name == "from-run"
    assert is_half(onnx.load(out))


def test_a_checkpoint_without_torch_says_what_to_install(
    out: Path, monkeypatch: pytest.MonkeyPatch
):
    register(monkeypatch, "a_module_that_is_not_there:export_checkpoint")
    with pytest.raises(UsageError, match=r"needs a_module_that.*pip install 'stylecam\[train\]'"):
        export("run.pt", out)


def test_the_real_exporter_is_registered_under_the_name_that_is_looked_up():
    import tomllib

    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    target = project["entry-points"][exporting.EXPORTERS]["checkpoint"]
    assert target == "training.export:export_checkpoint"
    pytest.importorskip("torch", reason="torch is not installed (pip install 'stylecam[train]')")
    assert callable(EntryPoint("checkpoint", target, exporting.EXPORTERS).load())


def test_int8_weights_are_a_small_file_that_paints_the_same(
    brush: StyleCard, out: Path, picture: np.ndarray
):
    exported = export(str(brush.path), out, precision="int8 weights")
    assert exported.card.precision == "int8 weights"
    assert exported.off is not None
    assert exported.off.psnr >= 30
    assert "int8 weights against full" in str(exported)
    assert out.stat().st_size < brush.path.stat().st_size / 2
    assert np.abs(paint(out, picture) - paint(brush.path, picture)).mean() < 2
    assert np.abs(paint(out, picture) - picture).mean() > 5
    out.with_suffix(".yaml").unlink()
    assert load_card(out).precision == "int8 weights"


def test_int8_computes_in_eight_bits_and_is_judged_on_photographs_held_out(
    brush: StyleCard, out: Path, photo_folder: Path, picture: np.ndarray
):
    exported = export(str(brush.path), out, precision="int8", photographs=photo_folder)
    assert exported.off is not None
    assert exported.off.psnr >= 30
    operators = [node.op_type for node in onnx.load(out).graph.node]
    assert operators.count("DequantizeLinear") > operators.count("Conv")
    backend = OnnxRuntimeBackend(device="cpu", threads=1)
    assert "int8" in backend.load(load_card(out))
    full = paint(brush.path, picture)
    off = np.abs(backend.stylize(picture).astype(int) - full).mean()
    assert off < np.abs(full - picture).mean() / 5
    assert np.array_equal(backend.stylize(picture, 0.0), picture)


def test_eight_bit_weights_with_layers_of_another_version_are_not_exported(
    brush: StyleCard, out: Path
):
    export(str(brush.path), out, precision="int8 weights")
    model = onnx.load(out)
    stored = next(x for x in model.metadata_props if x.key == ARCHITECTURE_KEY)
    stored.value = stored.value.replace('"kernel"', '"size of the kernel"')
    onnx.save(model, out)
    out.with_suffix(".yaml").unlink()  # its checksum is that of the file before
    with pytest.raises(ModelError, match="layers are from another version of stylecam"):
        export(str(out), out.with_name("again.onnx"))


def test_int8_is_fitted_to_photographs_as_the_generator_sees_them(
    brush: StyleCard, out: Path, photo_folder: Path
):
    """Dark ones, in which a generator that expects normalised exposure never paints."""
    for path in photo_folder.glob("*.png"):
        cv2.imwrite(str(path), cv2.imread(str(path)) // 8)
    write_card(brush.model_copy(update={"exposure": True}), brush.path)
    lit = export(str(brush.path), out, precision="int8", photographs=photo_folder)
    write_card(brush, brush.path)
    dark = export(str(brush.path), out, precision="int8", photographs=photo_folder, force=True)
    assert lit.card.exposure
    assert lit.off is not None and dark.off is not None
    assert lit.off.psnr != dark.off.psnr


def test_int8_that_is_too_far_off_writes_nothing(make_style, out: Path):
    """One channel in a thousand times the range of all others: no eight bits hold both."""
    architecture = folded(fast(0.25))
    weights = random_weights(architecture, seed=1)
    random = np.random.default_rng(0)
    for name in weights:
        if name.endswith("conv.weight"):
            spread = random.uniform(0, 1, weights[name].shape) > 0.999
            weights[name] = weights[name] * np.where(spread, 300, 1).astype(np.float32)
    card = make_style(architecture, weights)
    with pytest.raises(ModelError, match=r"int8 is off on 1 held-out.*nothing written.*30 dB"):
        export(str(card.path), out, precision="int8 weights")
    assert list(out.parent.iterdir()) == []


def test_int8_needs_photographs(brush: StyleCard, out: Path, tmp_path: Path):
    with pytest.raises(UsageError, match=r"--calibrate DIR, or --int8 weights"):
        export(str(brush.path), out, precision="int8")
    with pytest.raises(UsageError, match="no such folder of photographs"):
        export(str(brush.path), out, precision="int8", photographs=tmp_path / "missing")
    with pytest.raises(UsageError, match="0 readable photographs, 4 is the least"):
        export(str(brush.path), out, precision="int8", photographs=out.parent)
    assert list(out.parent.iterdir()) == []


def test_int8_of_int8_is_refused(brush: StyleCard, out: Path):
    export(str(brush.path), out, precision="int8 weights")
    for precision in ("fp16", "int8 weights"):
        with pytest.raises(UsageError, match="is in int8 weights already"):
            export(str(out), out.with_name("twice.onnx"), precision=precision)
