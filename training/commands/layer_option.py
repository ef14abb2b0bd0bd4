"""Parses `--layers`: the layers of the loss network that define the style, and their shares."""

from typing import Any

from models.errors import UsageError


def parse_layers(text: str, network: str | None) -> dict[str, Any]:
    """ "relu1_2=1,conv2_2=0.5" as fields of a recipe; a layer without a share gets 1.

    Raises UsageError for a layer that the loss network lacks, and for an invalid share.
    """
    from training.losses.vgg import layer_names
    from training.optimise.objective.layers import check_layers, parse_layer_weights

    try:
        shares = parse_layer_weights(text)
        check_layers(shares, layer_names("vgg19" if network == "vgg19" else "vgg16"))
    except UsageError as error:
        raise UsageError(f"--layers: {error}") from None
    return {"style_layers": tuple(shares), "layer_weights": tuple(shares.values())}
