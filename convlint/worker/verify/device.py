"""The device that models are run on, and what it says of itself."""

from __future__ import annotations

import platform

import torch

from convlint.facts import Device
from convlint.hardware import AUTO
from convlint.worker.user_code.wording import is_hungry


class NoDevice(Exception):
    """The device is not there; the reason is the message."""


def found(name: str) -> torch.device:
    """The device of a name such as `cuda:1`; AUTO is the machine's accelerator, else its CPU. Raises NoDevice."""
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    if name == AUTO:
        name = accelerator.type if accelerator is not None else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise NoDevice(f"torch knows no device {name!r}") from None
    if device.type == "cpu":
        return device
    if accelerator is None or accelerator.type != device.type:
        raise NoDevice(f"this machine has no {device.type} device that torch {torch.__version__} can use")
    count = torch.accelerator.device_count()
    if device.index is not None and device.index >= count:
        raise NoDevice(f"there is no {name}: torch sees {count} {device.type} device{'s' if count != 1 else ''}")
    device = torch.device(device.type, device.index or 0)
    torch.accelerator.set_device_index(device)
    return device


def described(device: torch.device) -> Device:
    title, memory = platform.processor() or platform.machine(), None
    if device.type != "cpu":
        module = torch.get_device_module(device)
        title = module.get_device_name(device) if hasattr(module, "get_device_name") else device.type
        memory = torch.accelerator.get_memory_info(device)[1] if device.type in ("cuda", "xpu") else None
    return Device(name=str(device), title=title, torch=torch.__version__, memory=memory)


def synchronize(device: torch.device) -> None:
    """Wait for the device, so that a fault on it shows at the call that made it."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


def free_memory(device: torch.device) -> int | None:
    """Bytes that nobody uses; None where the device does not tell."""
    if device.type not in ("cuda", "xpu"):
        return None
    torch.accelerator.empty_cache()
    return torch.accelerator.get_memory_info(device)[0]


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the device, or the host, had not the memory."""
    return isinstance(error, torch.OutOfMemoryError) or is_hungry(error)
