"""Losses: the layer and the function of each, the tensors that it compares, and its options.

The names are those of torch.nn and torch.nn.functional. What a loss requires of its operands is in `worker/ops/loss`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from convlint.ops.kind import OperationKind

_OLD: Final = ("size_average", "reduce")
"""Options that `reduction` replaced; torch still takes them."""


@dataclass(frozen=True, slots=True)
class Loss:
    """One loss. `parameters` are those of the function in their order; the roles come first."""

    function: str
    layer: str
    parameters: tuple[str, ...]
    roles: tuple[str, ...] = ("input", "target")
    weights: tuple[str, ...] = ()  # options that are tensors
    called_with: tuple[str, ...] = ()  # the parameters of the layer's forward, where these are not the roles
    reads_classes: bool = False  # `target` holds class numbers
    meaning: str | None = None

    @property
    def forward(self) -> tuple[str, ...]:
        """The parameters of the layer's forward."""
        return self.called_with or self.roles


def _elementwise(function: str, layer: str, *options: str, weights: tuple[str, ...] = (), meaning: str = "") -> Loss:
    return Loss(function, layer, ("input", "target", *options), weights=weights, meaning=meaning or None)


_OF_CLASSES: Final = ("input", "target", "weight", "size_average", "ignore_index", "reduce", "reduction")
_DIFFERENCE: Final = "compares two tensors of one shape number by number"
_YES_OR_NO: Final = "compares each number with a target between 0 and 1"

LOSSES: Final = (
    Loss(
        "cross_entropy",
        "CrossEntropyLoss",
        (*_OF_CLASSES, "label_smoothing"),
        weights=("weight",),
        reads_classes=True,
        meaning="compares the scores of all classes, in dimension 1, with the number of the right class",
    ),
    Loss(
        "nll_loss",
        "NLLLoss",
        _OF_CLASSES,
        weights=("weight",),
        reads_classes=True,
        meaning="compares the log-probabilities of all classes, in dimension 1, with the number of the right class",
    ),
    _elementwise(
        *("binary_cross_entropy", "BCELoss", "weight", *_OLD, "reduction"),
        weights=("weight",),
        meaning=_YES_OR_NO,
    ),
    _elementwise(
        *("binary_cross_entropy_with_logits", "BCEWithLogitsLoss", "weight", *_OLD, "reduction", "pos_weight"),
        weights=("weight", "pos_weight"),
        meaning=_YES_OR_NO,
    ),
    _elementwise("mse_loss", "MSELoss", *_OLD, "reduction", "weight", weights=("weight",), meaning=_DIFFERENCE),
    _elementwise("l1_loss", "L1Loss", *_OLD, "reduction", "weight", weights=("weight",), meaning=_DIFFERENCE),
    _elementwise("smooth_l1_loss", "SmoothL1Loss", *_OLD, "reduction", "beta", meaning=_DIFFERENCE),
    _elementwise(
        *("huber_loss", "HuberLoss", "reduction", "delta", "weight"),
        weights=("weight",),
        meaning=_DIFFERENCE,
    ),
    _elementwise("kl_div", "KLDivLoss", *_OLD, "reduction", "log_target", meaning="compares two distributions"),
    _elementwise("hinge_embedding_loss", "HingeEmbeddingLoss", "margin", *_OLD, "reduction"),
    _elementwise("soft_margin_loss", "SoftMarginLoss", *_OLD, "reduction"),
    Loss(
        "poisson_nll_loss",
        "PoissonNLLLoss",
        ("input", "target", "log_input", "full", "size_average", "eps", "reduce", "reduction"),
        called_with=("log_input", "target"),
    ),
    Loss(
        "gaussian_nll_loss",
        "GaussianNLLLoss",
        ("input", "target", "var", "full", "eps", "reduction"),
        roles=("input", "target", "var"),
    ),
    _elementwise(
        *("multilabel_soft_margin_loss", "MultiLabelSoftMarginLoss", "weight", *_OLD, "reduction"), weights=("weight",)
    ),
    _elementwise("multilabel_margin_loss", "MultiLabelMarginLoss", *_OLD, "reduction"),
    Loss(
        "multi_margin_loss",
        "MultiMarginLoss",
        ("input", "target", "p", "margin", "weight", *_OLD, "reduction"),
        weights=("weight",),
        reads_classes=True,
    ),
    Loss(
        "cosine_embedding_loss",
        "CosineEmbeddingLoss",
        ("input1", "input2", "target", "margin", *_OLD, "reduction"),
        roles=("input1", "input2", "target"),
    ),
    Loss(
        "margin_ranking_loss",
        "MarginRankingLoss",
        ("input1", "input2", "target", "margin", *_OLD, "reduction"),
        roles=("input1", "input2", "target"),
    ),
    Loss(
        "triplet_margin_loss",
        "TripletMarginLoss",
        ("anchor", "positive", "negative", "margin", "p", "eps", "swap", *_OLD, "reduction"),
        roles=("anchor", "positive", "negative"),
    ),
    Loss(
        "triplet_margin_with_distance_loss",
        "TripletMarginWithDistanceLoss",
        ("anchor", "positive", "negative", "distance_function", "margin", "swap", "reduction"),
        roles=("anchor", "positive", "negative"),
    ),
    Loss(
        "ctc_loss",
        "CTCLoss",
        ("log_probs", "targets", "input_lengths", "target_lengths", "blank", "reduction", "zero_infinity"),
        roles=("log_probs", "targets"),
        called_with=("log_probs", "targets", "input_lengths", "target_lengths"),
        meaning="compares the log-probabilities of each step with a shorter sequence of labels",
    ),
)

_BY_NAME: Final[Mapping[str, Loss]] = {name: loss for loss in LOSSES for name in (loss.function, loss.layer)}


def loss_named(name: str) -> Loss | None:
    """The loss of a layer or function, by the last part of its public name."""
    return _BY_NAME.get(name.rpartition(".")[2])


KINDS = tuple(
    OperationKind(
        loss.function,
        layers=(loss.layer,),
        functions=(loss.function,),
        arguments=tuple(None if name in (*loss.roles, *loss.weights) else name for name in loss.parameters),
        meaning=loss.meaning,
    )
    for loss in LOSSES
)
