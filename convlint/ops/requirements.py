"""The kinds of requirements that calls make of their inputs, and what follows from each for the analysis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Dimension = Literal["features", "channels"]


@dataclass(frozen=True, slots=True)
class RequirementKind:
    """What is known of all requirements of one name."""

    name: str
    along: Dimension | None = None  # the dimension of the input that is compared with what the layer declares
    keeps_size: bool = False  # the call gives the size that it was given, so that later calls meet the same mistake
    per_dim: bool = False  # height and width of one call are one mistake
    loses_layout: bool = False  # after a violation the shape of the result is a guess
    fixes_input: bool = False  # as a number it names the size of an input outright
    is_produced: bool = False  # the size is one that an earlier layer gives
    doubts_input: bool = False  # an input that was guessed to be of another kind breaks it
    is_silent: bool = False  # torch computes all the same
    is_of_backward: bool = False  # only a backward pass meets it, which the dry run does not make
    is_of_two_sides: bool = False  # two operands disagree, and either may be the wrong one

    @property
    def outlives_a_run(self) -> bool:
        """Whether a dry run that came through says nothing of it."""
        return self.is_silent or self.is_of_backward


def _declared(name: str, along: Dimension, *, keeps_size: bool) -> RequirementKind:
    """A size that the constructor of a layer declares."""
    return RequirementKind(name, along, keeps_size=keeps_size, fixes_input=True, is_produced=True)


_ALL: Final = (
    _declared("in_features", "features", keeps_size=False),
    _declared("input_size", "features", keeps_size=False),
    _declared("embed_dim", "features", keeps_size=True),
    _declared("kdim", "features", keeps_size=True),
    _declared("vdim", "features", keeps_size=True),
    _declared("normalized_shape", "features", keeps_size=True),
    _declared("in_channels", "channels", keeps_size=False),
    _declared("num_features", "channels", keeps_size=True),
    _declared("num_parameters", "channels", keeps_size=True),
    RequirementKind("in_features_of_two", fixes_input=True, is_produced=True),
    RequirementKind("groups", fixes_input=True),
    RequirementKind("num_groups", keeps_size=True),
    RequirementKind("divisible", keeps_size=True),
    RequirementKind("elements", keeps_size=True, fixes_input=True, is_produced=True),
    RequirementKind("batch", keeps_size=True, fixes_input=True),
    RequirementKind("broadcast", keeps_size=True, per_dim=True, is_produced=True, is_of_two_sides=True),
    RequirementKind("concat", keeps_size=True, per_dim=True, is_produced=True, is_of_two_sides=True),
    RequirementKind("matmul", loses_layout=True, fixes_input=True, is_produced=True),
    RequirementKind("spatial", per_dim=True),
    RequirementKind("signature", keeps_size=True, fixes_input=True, is_produced=True),
    RequirementKind("signature_condition", keeps_size=True),
    RequirementKind("rank", loses_layout=True, doubts_input=True),
    RequirementKind("loss_shape", keeps_size=True, doubts_input=True),
    RequirementKind("loss_size", keeps_size=True, per_dim=True, is_produced=True, is_of_two_sides=True),
    RequirementKind("reconstruction", keeps_size=True, per_dim=True, is_produced=True, is_of_two_sides=True),
    RequirementKind("loss_broadcast", keeps_size=True, doubts_input=True, is_silent=True),
    RequirementKind("metric_broadcast", keeps_size=True, is_silent=True),
    RequirementKind("class_axis", keeps_size=True, doubts_input=True),
    RequirementKind("loss_scalar", is_of_backward=True),
    RequirementKind("batch_joined", is_silent=True),
    RequirementKind("label_range"),
    RequirementKind("loss_weight"),
    RequirementKind("ignore_index"),
    RequirementKind("loss_dtype", doubts_input=True),
    RequirementKind("dtype", doubts_input=True),
    RequirementKind("index_dtype", doubts_input=True),
    RequirementKind("mixed_dtype", doubts_input=True),
)
_BY_NAME: Final = {kind.name: kind for kind in _ALL}


def requirement_kind(name: str) -> RequirementKind:
    """The kind of a requirement by its name; one with no attributes where nothing follows from it."""
    return _BY_NAME.get(name) or RequirementKind(name)
