"""Modules: their calls, their tables of tensors, and what moves them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn.modules.lazy import LazyModuleMixin

Wrapper = Callable[..., Any]

NORM_BASE: type[torch.nn.Module] = torch.nn.modules.batchnorm._NormBase
"""Of batch and instance norms, lazy ones among them: they have no public base."""

_wrappers: list[Wrapper] = []  # of the trace that runs; at most one

_call_module = torch.nn.Module.__call__


def _call_through(module: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:
    return _wrappers[-1](_call_module, module, *args, **kwargs) if _wrappers else _call_module(module, *args, **kwargs)


# For good: to change a method of Module makes Python forget what it knows of a thousand classes, which takes 1 ms.
torch.nn.Module.__call__ = _call_through  # type: ignore[method-assign]


@contextmanager
def module_calls(wrapper: Wrapper) -> Iterator[None]:
    """Send every module call through `wrapper(original, module, *args, **kwargs)`, as torch.fx itself does."""
    _wrappers.append(wrapper)
    try:
        yield
    finally:
        _wrappers.pop()


@contextmanager
def plain_module_calls() -> Iterator[None]:
    """`Module.__call__` is torch's own again: the compiler would take `_call_through` for the user's code."""
    torch.nn.Module.__call__ = _call_module  # type: ignore[method-assign]
    try:
        yield
    finally:
        torch.nn.Module.__call__ = _call_through  # type: ignore[method-assign]


def own_tensors(module: torch.nn.Module) -> Iterator[tuple[dict[str, torch.Tensor | None], bool]]:
    """The module's own tables of parameters and of buffers, to be changed in place; true for parameters.

    Setting an attribute would run checks that refuse a fake tensor in the place of a parameter.
    """
    yield module._parameters, True  # type: ignore[misc]
    yield module._buffers, False


def changes_results(module: torch.nn.Module) -> bool:
    """Whether forward hooks may make something else of what the module gives."""
    return bool(module._forward_hooks)


def changes_arguments(module: torch.nn.Module, args: tuple[Any, ...]) -> bool:
    """Whether a hook before forward makes other arguments of these; a hook on keywords counts as one that does."""
    if not module._forward_pre_hooks or isinstance(module, LazyModuleMixin):
        return False
    if module._forward_pre_hooks_with_kwargs:
        return True
    return any(hook(module, args) is not None for hook in module._forward_pre_hooks.values())


def computes_otherwise(module: torch.nn.Module, kind: type[torch.nn.Module]) -> bool:
    """Whether a layer has a forward of its own instead of that of torch's class; a convolution's has a second part."""
    names = ("forward", "_conv_forward")
    own = (getattr(type(module), name, None) is not getattr(kind, name, None) for name in names)
    return any(own) or any(name in vars(module) for name in names)


def no_missing_keys() -> Any:
    """What `load_state_dict` gives when everything fitted."""
    return torch.nn.modules.module._IncompatibleKeys([], [])


@contextmanager
def unmoved_modules() -> Iterator[None]:
    """`model.cuda()`, `.to(...)`, `.half()` leave a module as it is: one device, and shapes do not ask for more.

    torch cannot put a fake tensor in the place of a real parameter.
    """
    original = torch.nn.Module._apply
    torch.nn.Module._apply = _unmoved  # type: ignore[assignment,method-assign]
    try:
        yield
    finally:
        torch.nn.Module._apply = original  # type: ignore[method-assign]


def _unmoved(module: torch.nn.Module, *_: Any, **__: Any) -> torch.nn.Module:
    return module
