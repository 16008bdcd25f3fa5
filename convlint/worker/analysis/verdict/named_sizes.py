"""Images of a size that the project names for a model, none of which the model accepts.

Docstrings and comments go stale, so this is not an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from convlint.facts import LARGEST_SIZE, Violation
from convlint.worker.analysis.inference.evidence import Evidence
from convlint.worker.analysis.session import Run, TraceSession, run_spec_of
from convlint.worker.analysis.solving.accepted import FEW, accepted_sizes
from convlint.worker.analysis.solving.dimensions import sizes_in_words
from convlint.worker.analysis.solving.explore import Outcome
from convlint.worker.analysis.verdict.degenerate import culprit

_SPATIAL = ("H", "W")


def none_of_the_named(
    session: TraceSession, outcome: Outcome, candidates: Iterable[Evidence], is_taken: Callable[[Run], bool]
) -> Violation | None:
    """What is odd about a model of images that accepts few sizes, and none of those named.

    `is_taken` says whether the first layers take the inputs of a run: others were not meant for this model.
    """
    sizes = accepted_sizes(outcome)
    if not all(0 < len(sizes.get(name, ())) <= FEW for name in _SPATIAL):
        return None
    refused: list[tuple[Evidence, Run]] = []
    for item in candidates:
        if not item.is_named or item.inputs is None or not _is_of_images(item):
            continue
        run = session.first(run_spec_of(item.inputs))
        if run.comes_through:
            return None
        if is_taken(run) and run.trace.trail.broken():
            refused.append((item, run))
    if not refused:
        return None
    item, run = refused[0]
    at, layer = culprit(session, run)
    accepted = sizes_in_words(sizes["H"], LARGEST_SIZE)
    words = f"H = W {accepted}" if sizes["H"] == sizes["W"] else f"H {accepted}"
    named = " x ".join(str(size) for size in _image(item))
    return Violation(
        name="other_sizes_named", operand="forward", actual=named, sizes=words, evidence=item.source, at=at, layer=layer
    )


def _is_of_images(item: Evidence) -> bool:
    return len(_image(item)) == 2


def _image(item: Evidence) -> tuple[int, ...]:
    """Height and width of the only image among the inputs."""
    shapes = [one.spec.shape for one in item.inputs or () if one.spec.shape is not None]
    sizes = shapes[0][2:] if len(shapes) == 1 and len(shapes[0]) == 4 else ()
    return tuple(size for size in sizes if isinstance(size, int))
