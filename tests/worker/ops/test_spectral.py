"""Spectra: one run in symbols says of every length what torch does."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from symbolic import Calls, Case, said

CALLS = {
    "centered": partial(torch.stft, n_fft=16, return_complex=True),
    "hop": partial(torch.stft, n_fft=16, hop_length=5, return_complex=True),
    "not_centered": partial(torch.stft, n_fft=16, hop_length=8, center=False, return_complex=True),
    "two_sided": partial(torch.stft, n_fft=16, onesided=False, return_complex=True),
    "constant": partial(torch.stft, n_fft=16, pad_mode="constant", return_complex=True),
}


@pytest.mark.filterwarnings("ignore:A window was not provided")
@pytest.mark.parametrize("length", [7, 9, 16, 33, 100])
@pytest.mark.parametrize("name", CALLS)
def test_spectra(warm: None, name: str, length: int) -> None:
    case = Case(Calls(CALLS[name]), ("B", "L"), {"B": 2, "L": length})
    assert said(case.run(), case.sizes) == case.in_torch()


def test_the_result_is_complex(warm: None) -> None:
    run = Case(Calls(CALLS["centered"]), ("B", "L"), {}).run()
    assert run.trace.output.dtype is torch.complex64
