"""Parses `--layers`: the layers of the loss network that define the style, and their shares."""

from typing import Any

from models.errors import UsageError


def parse_layers(text: str, network: str | None) -> dict[str, Any]:
    """ "relu1_2=1,relu2_2=0.5" as fields of a recipe; a layer without a share gets 1.

    Raises UsageError for a layer that the loss network lacks, and for an invalid share.
    """
    from training.losses.vgg import layer_names

    known = layer_names("vgg19" if network == "vgg19" else "vgg16")
    shares: dict[str, float] = {}
    for part in text.split(","):
        layer, _, share = part.strip().partition("=")
        if layer not in known:
            raise UsageError(f"--layers: {layer!r} is not one of: {', '.join(known)}")
        if layer in shares:
            raise UsageError(f"--layers: {layer!r} is given twice")
        try:
            shares[layer] = float(share or 1)
        except ValueError:
            raise UsageError(f"--layers: {share!r} in {part.strip()!r} is not a number") from None
        if not 0 <= shares[layer] < float("inf"):
            raise UsageError(f"--layers: {part.strip()!r} must be 0 or more, and finite")
    if not sum(shares.values()):
        raise UsageError(f"--layers {text!r}: at least one share must be above 0")
    return {"style_layers": tuple(shares), "layer_weights": tuple(shares.values())}
