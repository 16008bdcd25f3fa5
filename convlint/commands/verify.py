"""`convlint verify`: models run on real tensors, and convlint's word held against them."""

from __future__ import annotations

import sys
from typing import Any

from convlint.cache.answers import Answer
from convlint.check import Options, settings_for
from convlint.commands.check import give, save
from convlint.config import VerifySettings, parse_input
from convlint.exit_codes import CLEAN
from convlint.pool.serving import ServerProcess
from convlint.terminal import say, wants_color
from convlint.verdict import code_of, is_silent, rendered
from convlint.verification.verify import DeviceMissing, Request, device_or_reason, requested, trial_pool, verify

_OWN = ("device", "dtype", "batch", "require_device", "timeout", "budget", "budget_gpu", "compile", "export")
_SHOWING = ("output_format", "fail_on", "verbose", "quiet")


def run(
    paths: tuple[str, ...],
    output_file: str | None,
    color: str,
    given: dict[str, Any],
    server: ServerProcess | None,
) -> int:
    """The exit code. Raises Complaint."""
    paths = paths or (".",)
    own = {name: given.pop(name) for name in _OWN}
    output_format, fail_on, verbose, quiet = (given.pop(name) for name in _SHOWING)
    inputs = tuple(parse_input(text) for text in given.pop("inputs"))
    options = Options(**given, inputs=inputs, shows_progress=not quiet)
    settings = settings_for(paths, options).settings
    request = _request(settings.verify, own)
    with trial_pool() as pool:
        pool.start()
        device = device_or_reason(request.verify.device, pool)
        if isinstance(device, str):
            return _without_device(device, is_required=own["require_device"] or settings.verify.require_device)
        outcome = verify(paths, options, request.on(device), pool, server)
    is_left_out = quiet and output_file is None and is_silent(outcome.report)
    shown = output_format or settings.output_format
    colored = color == "always" if output_file is not None else wants_color(color, sys.stdout)
    text = "" if is_left_out else rendered(outcome.report, shown, verbose=verbose and not quiet, color=colored)
    answer = Answer(code_of(outcome, fail_on or settings.fail_on), (*outcome.problems, *outcome.notes), text)
    return give(answer) if output_file is None else save(answer, output_file)


def _request(settings: VerifySettings, own: dict[str, Any]) -> Request:
    """The command's own options, before those of the configuration."""
    return requested(
        settings,
        timeout=own["timeout"],
        device=own["device"],
        precision=own["dtype"],
        batch=own["batch"],
        measures=own["budget"] or own["budget_gpu"] is not None,
        memory=own["budget_gpu"],
        compiles=own["compile"] or None,
        exports=own["export"] or None,
    )


def _without_device(reason: str, *, is_required: bool) -> int:
    if is_required:
        raise DeviceMissing(f"{reason}; nothing was verified, and --require-device asks for it")
    say(f"{reason}: verification is skipped")
    return CLEAN
