"""What a verdict rests on: which findings stand whatever arguments a constructor is given in place of guessed ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sympy

from convlint.facts import Basis, Reason
from convlint.worker.analysis.inference.demands import is_near, placeholder
from convlint.worker.analysis.solving.constants import unconditional
from convlint.worker.analysis.verdict.examination import Examination
from convlint.worker.analysis.verdict.findings import Finding
from convlint.worker.build.agreement import Sides
from convlint.worker.build.builder import BuiltModel
from convlint.worker.trace.trail import Key, Raised


def basis_of(built: BuiltModel, examination: Examination) -> Basis:
    """What the verdict rests on: the weakest of what is known of arguments and inputs."""
    origins = {item.origin for item in examination.run.run_spec.inputs}
    if not built.construction.is_known or "guess" in origins:
        return "guess"
    return "layers" if "layers" in origins else "evidence"


def proved(examination: Examination, built: BuiltModel) -> dict[Key, Sides]:
    """The findings that no input fixes, and those of inputs that are known.

    What only the size of the input breaks, other arguments may fix as well: it counts where only numbers are guessed,
    and these move neither side of it from one style to another.
    """
    guessed = (built.construction.kwargs.get(name) for name in built.construction.guessed)
    is_of_numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in guessed)
    of_input = fed(examination)
    return {
        one.key: (one.violation.actual, one.violation.expected)
        for one in examination.findings
        if (is_of_numbers and one.key in of_input)
        or (one.violation.verdict == "proved" and not (one.key in of_input and _is_of_the_input(examination, one)))
    }


def met_again(examination: Examination, known: Mapping[Key, Sequence[Sides]]) -> dict[Key, Sides]:
    """What was found with other arguments and is broken here by plain numbers, where a limit ended the examination
    before its end: the limit disproves nothing."""
    if not examination.is_cut_short:
        return {}
    return {
        requirement.key: (int(requirement.actual), int(requirement.expected))
        for requirement in unconditional(examination.run)
        if requirement.key in known
        and isinstance(requirement.actual, sympy.Integer)
        and isinstance(requirement.expected, sympy.Integer)
    }


def held_back(examination: Examination, kept: Sequence[Finding], built: BuiltModel) -> Reason | None:
    """Why not all of the findings stand: some other arguments may make the model run."""
    if examination.guess is not None or len(kept) == len(examination.findings):
        return examination.guess
    return Reason(kind="arguments-guessed", names=tuple(sorted(built.construction.guessed)))


def certain(examination: Examination) -> Raised | None:
    """The exception that ends every run, if no argument of the constructor decides it."""
    raised = examination.raised
    return Raised(raised.reason, raised.at, raised.kind) if raised is not None and raised.is_certain else None


def _is_of_the_input(examination: Examination, finding: Finding) -> bool:
    """Whether it is the input itself that is refused, so that the arguments may be wrong as well as the input."""
    nodes = examination.run.trace.nodes
    source = placeholder(nodes[finding.node]) if finding.node < len(nodes) else None
    return source is not None and is_near(nodes[finding.node], source)


def fed(examination: Examination) -> set[Key]:
    """The findings that may be due to what a call of the project feeds the model."""
    is_fed = any(item.fed is not None for item in examination.run.run_spec.inputs)
    return {one.key for one in examination.findings} if is_fed else set()
