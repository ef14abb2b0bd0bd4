"""The torch module of an architecture."""

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.generator.architecture import Architecture
from models.generator.batch_renorm import BatchRenorm
from models.generator.fold_batchnorm import EPSILON
from models.generator.layers import MEAN_LIMIT, Conv, Layer, Relu, Residual, Shuffle, Upsample


class ConvUnit(nn.Module):
    """Convolution, norm and ReLU as `spec` defines them. (B, C, H, W) float in and out."""

    def __init__(self, spec: Conv, channels_in: int) -> None:
        super().__init__()
        groups = channels_in if spec.depthwise else 1
        self.conv = nn.Conv2d(
            channels_in, spec.out, spec.kernel, spec.stride, spec.padding, groups=groups
        )
        norms = {"batch": BatchRenorm, "instance": nn.InstanceNorm2d}
        self.norm: nn.Module | None = None
        if spec.norm != "none":
            self.norm = norms[spec.norm](spec.out, eps=EPSILON, affine=True)
        self.relu = spec.relu
        self.adapt = adaptation(channels_in, spec.out) if spec.adaptive else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        if self.norm is not None:
            y = self.norm(y)
        if self.adapt is not None:
            means = x.mean((2, 3), keepdim=True).clamp(-MEAN_LIMIT, MEAN_LIMIT)  # (B, C, 1, 1)
            gain, shift = self.adapt(means).chunk(2, dim=1)
            y = torch.addcmul(shift, y, gain)
        return F.relu(y, inplace=True) if self.relu else y


def adaptation(channels_in: int, channels: int) -> nn.Conv2d:
    """From means (B, channels_in, 1, 1) to gains and shifts (B, 2 · channels, 1, 1); starts with
    gain 1 and shift 0, whatever the picture."""
    adapt = nn.Conv2d(channels_in, 2 * channels, 1)
    nn.init.zeros_(adapt.weight)
    with torch.no_grad():
        adapt.bias.copy_(torch.arange(2 * channels) < channels)  # type: ignore[union-attr]
    return adapt


def nothing_yet(spec: Conv, channels_in: int) -> ConvUnit:
    """A convolution that gives 0 at first: a body with it beside it starts as the body alone."""
    unit = ConvUnit(spec, channels_in)
    nn.init.zeros_(unit.conv.weight)
    nn.init.zeros_(cast(Tensor, unit.conv.bias))
    return unit


class ResidualUnit(nn.Module):
    def __init__(self, spec: Residual, channels: int) -> None:
        super().__init__()
        units = []
        self.shortcut = nothing_yet(spec.shortcut, channels) if spec.shortcut else None
        for layer in spec.body:
            unit, channels = build_layer(layer, channels)
            units.append(unit)
        self.body = nn.Sequential(*units)

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.body(x)).add_(self.shortcut(x) if self.shortcut else x)


def build_layer(layer: Layer, channels: int) -> tuple[nn.Module, int]:
    """The module of a layer with `channels` input channels, and its number of output channels."""
    match layer:
        case Conv():
            return ConvUnit(layer, channels), layer.out
        case Residual():
            return ResidualUnit(layer, channels), layer.shortcut.out if layer.shortcut else channels
        case Upsample():
            options = {"align_corners": False} if layer.mode == "bilinear" else {}
            return nn.Upsample(scale_factor=layer.factor, mode=layer.mode, **options), channels
        case Shuffle():
            return nn.PixelShuffle(layer.factor), channels // layer.factor**2
        case Relu():
            return nn.ReLU(inplace=True), channels


class Generator(nn.Module):
    """A feed-forward generator: RGB (B, 3, H, W) float 0..1 in, the same out, not clamped.

    Any H and W: the generator adds the margin (a reflection of the picture) and crops it itself.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        channels = 3
        modules = []
        for layer in architecture.layers:
            module, channels = build_layer(layer, channels)
            modules.append(module)
        self.core = nn.Sequential(*modules)
        for conv in self._convolutions():
            conv.padding_mode = architecture.padding
        self._init_last_layer()

    def _init_last_layer(self) -> None:
        """Initialise the last convolution: with `residual` its output is close to 0, so training
        starts from the unchanged photograph; else its bias is 0.5, so from a grey picture.
        Residual blocks of dense convolutions start as the identity (Goyal et al. 2017, 5.1)."""
        last = self._convolutions()[-1]
        assert last.bias is not None
        if self.architecture.residual:
            nn.init.normal_(last.weight, std=0.01)
            nn.init.zeros_(last.bias)
        elif self.architecture.adds_to_input or self.sub_pixels > 1:
            nn.init.constant_(last.bias, 0.5)
        if self.sub_pixels > 1:
            with torch.no_grad():
                of_one_colour = last.weight.unflatten(0, (3, self.sub_pixels))
                of_one_colour[:] = 0.5 * of_one_colour[:, :1]
            for unit in (m for m in self.core.modules() if isinstance(m, ResidualUnit)):
                if isinstance(norm := getattr(unit.body[-1], "norm", None), BatchRenorm):
                    nn.init.zeros_(norm.weight)

    def _convolutions(self) -> list[nn.Conv2d]:
        return [unit.conv for unit in self.core.modules() if isinstance(unit, ConvUnit)]

    @property
    def sub_pixels(self) -> int:
        """Pixels that the last convolution computes at each of its places, per colour."""
        last = self.architecture.layers[-1]
        return last.factor**2 if isinstance(last, Shuffle) else 1

    @torch.no_grad()
    def balance(self) -> None:
        """Project the last convolution, after a step, so that its sub-pixels answer flat features
        alike. Shuffled sub-pixels otherwise weave a grid of period 2 into flat areas, which is
        the cheapest way to please the shallow Gram matrices (docs/log.md)."""
        if self.sub_pixels == 1:
            return
        last = self._convolutions()[-1]
        assert last.bias is not None
        kernels = last.weight.unflatten(0, (3, self.sub_pixels))  # (3, sub-pixels, C, k, k) view
        answers = kernels.mean((3, 4), keepdim=True)
        kernels -= answers - answers.mean(1, keepdim=True)
        biases = last.bias.unflatten(0, (3, self.sub_pixels))
        biases.copy_(biases.mean(1, keepdim=True).expand_as(biases).clone())

    def forward(self, x: Tensor, strength: float | Tensor = 1.0) -> Tensor:
        """The painted picture; `strength` 0 gives the input, 1 the full style."""
        painted = self.paint_window(self._padded(x), x.shape[-2], x.shape[-1])
        return (1 - strength) * x + strength * painted

    def paint_window(self, window: Tensor, height: int, width: int) -> Tensor:
        """The painting (B, 3, height, width) of the inside of a window that has its margin already.

        The window's sides are multiples of the stride. In training the margin shows what a
        photograph really has there; what the convolutions' zeros do to it is neither judged nor
        kept, so a network cannot learn to paint along borders.
        """
        margin = self.architecture.margin
        enlarged = self.core[len(self.architecture.coarse) :](self._coarse(window))
        painted = self._crop(enlarged, height, width, margin)
        if not self.architecture.input_gain:
            return painted
        return self.architecture.input_gain * self._crop(window, height, width, margin) + painted

    def coarse(self, x: Tensor) -> Tensor:
        """The coarse picture (B, 3, ⌈H/f⌉, ⌈W/f⌉) of RGB (B, 3, H, W), f the enlargement.

        The finished picture is detail · x + the enlarged coarse picture. Without an enlargement
        this method returns the finished picture.
        """
        factor = self.architecture.upsample_factor
        if factor == 1:
            return self(x)
        height, width = (-(-side // factor) for side in x.shape[-2:])
        return self._crop(
            self._coarse(self._padded(x)), height, width, self.architecture.margin // factor
        )

    def _coarse(self, padded: Tensor) -> Tensor:
        """The coarse picture of a picture with its margin, which is not yet cropped."""
        seen = padded * 2 - 1 if self.architecture.centred else padded
        coarse = cast(Tensor, self.core[: len(self.architecture.coarse)](seen))
        kept = self.architecture.coarse_input_gain
        if not kept:
            return coarse
        return coarse + kept * F.avg_pool2d(padded, self.architecture.upsample_factor)

    def _padded(self, x: Tensor) -> Tensor:
        """`x` with the margin around it, its sides filled up to multiples of the stride."""
        margin, stride = self.architecture.margin, self.architecture.stride
        width, height = x.shape[-1], x.shape[-2]
        # Reflection padding needs a picture larger than itself: extend small pictures first.
        least = margin + stride
        width, height = max(width, least), max(height, least)
        x = F.pad(x, (0, width - x.shape[-1], 0, height - x.shape[-2]), mode="replicate")
        right, bottom = (margin + -(side + 2 * margin) % stride for side in (width, height))
        return F.pad(x, (margin, right, margin, bottom), mode="reflect")

    @staticmethod
    def _crop(padded: Tensor, height: int, width: int, margin: int) -> Tensor:
        return padded[..., margin : margin + height, margin : margin + width]


def load_generator(architecture: Architecture, weights: dict[str, Tensor]) -> Generator:
    """A frozen generator in evaluation mode; `weights` are a state_dict of the architecture."""
    generator = Generator(architecture)
    generator.load_state_dict(weights)
    return generator.eval().requires_grad_(False)
