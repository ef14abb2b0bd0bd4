"""Interpolates generators in weight space, between styles that were trained from one base.

Works on the exported graphs, whose batch norms are folded; needs no torch.
"""

import math

import numpy as np
import onnx

from models.card import StyleCard
from models.errors import ModelError, UsageError
from models.generator.architecture import Architecture
from models.generator.parameters import Weights, parameter_count
from models.onnx.graph import build_graph, read_weights


def weighted_mean(parts: list[Weights], shares: list[float]) -> Weights:
    """The weighted mean of each array; the shares are normalised to a sum of 1."""
    total = sum(shares)
    return {
        name: sum(
            (
                part[name] * np.float32(share / total)
                for part, share in zip(parts, shares, strict=True)
            ),
            np.zeros_like(parts[0][name]),
        )
        for name in parts[0]
    }


def blend(
    cards: list[StyleCard], shares: list[float], name: str
) -> tuple[onnx.ModelProto, StyleCard]:
    """The graph and card of a mixture of two or more styles.

    Raises UsageError for shares that are negative, not finite or all 0. Raises ModelError if the
    styles differ in architecture or were not trained from one base (a mixture would be noise).
    """
    if not all(0 <= share < math.inf for share in shares) or sum(shares) <= 0:
        raise UsageError(
            f"shares {', '.join(map(str, shares))}: give numbers of 0 or more, at least one above 0"
        )
    graphs = [_weights_of(card) for card in cards]
    architecture = _common(cards, [a for a, _ in graphs])
    mixture = " + ".join(
        f"{card.title} {s / sum(shares):.0%}" for card, s in zip(cards, shares, strict=True)
    )
    card = StyleCard(
        name=name,
        title=name.replace("-", " ").title(),
        credit=mixture,
        licence=" and ".join(dict.fromkeys(card.licence for card in cards)),
        architecture=architecture.name,
        alpha=architecture.alpha,
        stride=architecture.stride,
        parameters=parameter_count(architecture),
        exposure=cards[0].exposure,
        grain=cards[0].grain,
        training={"base": min(_family(cards[0]) & _family(cards[-1])), "blend": mixture},
    )
    return build_graph(architecture, weighted_mean([w for _, w in graphs], shares), card), card


def _weights_of(card: StyleCard) -> tuple[Architecture, Weights]:
    try:
        return read_weights(onnx.load(card.path))
    except KeyError:
        raise ModelError(
            f"{card.path}: its weights cannot be read back ({card.precision}); "
            "blend the style as it was before it was quantised"
        ) from None


def _common(cards: list[StyleCard], architectures: list[Architecture]) -> Architecture:
    first = cards[0]
    for card, architecture in zip(cards, architectures, strict=True):
        if architecture != architectures[0]:
            raise ModelError(
                f"{card.name} and {first.name} are of different architectures "
                f"({_kind(card)} and {_kind(first)}); only equal architectures can be blended"
            )
        if card.preparation != first.preparation:
            raise ModelError(
                f"{card.name} and {first.name} expect other exposure or grain of their pictures; "
                "only generators that see alike can be blended"
            )
        if not _family(card) & _family(first):
            raise ModelError(
                f"{card.name} and {first.name} were not trained from one base; "
                "their mixture would be noise (train both with the same --fine-tune)"
            )
    return architectures[0]


def _kind(card: StyleCard) -> str:
    return f"{card.architecture} of {card.parameters:,} parameters"


def _family(card: StyleCard) -> set[str]:
    """Fingerprints of a style's weights and of those known that it descends from."""
    known = (card.training.get(key) for key in ("fingerprint", "base", "family"))
    return {str(fingerprint) for fingerprint in known if fingerprint}
