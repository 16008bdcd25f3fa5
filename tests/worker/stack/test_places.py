"""Where a finding stands: the user's expression that gave the wrong number.

In each source the expression is marked by `«` and `»`, which are taken out before the file is written.
"""

from __future__ import annotations

import pytest
from tracing import PREAMBLE, Linter

from convlint.facts import Span

FORWARD = "    def forward(self, x):\n        return self.b(self.a(x))\n"
HEAD = "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
FIRST = "        self.a = nn.Conv2d(3, 8, 3)\n"

PLACES: dict[str, str] = {
    "positional": HEAD + FIRST + "        self.b = nn.Conv2d(«16», 4, 3)\n" + FORWARD,
    "keyword": HEAD + FIRST + "        self.b = nn.Conv2d(out_channels=4, kernel_size=3, in_channels=«16»)\n" + FORWARD,
    "expression": HEAD + FIRST + "        self.b = nn.Conv2d(«4 * (2 + 2)», 4, 3)\n" + FORWARD,
    "local_name": HEAD + FIRST + "        n = 16\n        self.b = nn.Conv2d(«n», 4, 3)\n" + FORWARD,
    "several_lines": HEAD
    + FIRST
    + "        self.b = nn.Conv2d(\n            «16»,\n            4,\n            kernel_size=3,\n"
    "        )\n" + FORWARD,
    "expression_over_lines": HEAD
    + FIRST
    + "        self.b = nn.Conv2d(\n            «8\n            + 8», 4, 3)\n"
    + FORWARD,
    "not_ascii": HEAD + FIRST + "        größe = 'ñ'; self.b = nn.Conv2d(«16», 4, 3)  # ü\n" + FORWARD,
    "wide_characters": HEAD + FIRST + "        s = '漢字😀'; self.b = nn.Conv2d(«16», 4, 3)\n" + FORWARD,
    "tabs": HEAD + FIRST + "        self.b\t=\tnn.Conv2d(\t«16», 4, 3)\n" + FORWARD,
    "two_on_a_line": HEAD + "        self.a, self.b = nn.Conv2d(3, 8, 3), nn.Conv2d(«16», 4, 3)\n" + FORWARD,
    "in_a_sequential": HEAD + "        self.a = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(«16», 4, 3))\n"
    "        self.b = nn.ReLU()\n" + FORWARD,
    "helper": "def conv3x3(inside, outside, stride=1):\n"
    "    return nn.Conv2d(inside, outside, 3, stride)\n\n\n"
    + HEAD
    + "        self.a = conv3x3(3, 8)\n        self.b = conv3x3(«16», 4)\n"
    + FORWARD,
    "helper_by_keyword": "def conv3x3(inside, outside):\n    return nn.Conv2d(inside, outside, 3)\n\n\n"
    + HEAD
    + FIRST
    + "        self.b = conv3x3(outside=4, inside=«16»)\n"
    + FORWARD,
    "helper_in_a_helper": "def conv(i, o):\n    return nn.Conv2d(i, o, 3)\n\n\n"
    "def block(width, out):\n    return nn.Sequential(conv(width, out), nn.ReLU())\n\n\n"
    + HEAD
    + FIRST
    + "        self.b = block(«16», 4)\n"
    + FORWARD,
    "helper_that_computes": "def wide(n, o):\n    return nn.Conv2d(«n * 2», o, 3)\n\n\n"
    + HEAD
    + FIRST
    + "        self.b = wide(8, 4)\n"
    + FORWARD,
    "helper_that_rebinds": "def wide(n, o):\n    n = n * 2\n    return nn.Conv2d(«n», o, 3)\n\n\n"
    + HEAD
    + FIRST
    + "        self.b = wide(8, 4)\n"
    + FORWARD,
    "lambda": "conv = lambda i, o: nn.Conv2d(«i», o, 3)\n\n\n"
    + HEAD
    + FIRST
    + "        self.b = conv(16, 4)\n"
    + FORWARD,
    "method": HEAD + FIRST + "        self.b = self.make(«16», 4)\n\n    def make(self, i, o):\n"
    "        return nn.Conv2d(i, o, 3)\n\n" + FORWARD,
    "static_method": HEAD + FIRST + "        self.b = self.make(«16», 4)\n\n    @staticmethod\n    def make(i, o):\n"
    "        return nn.Conv2d(i, o, 3)\n\n" + FORWARD,
    "block": "class Block(nn.Module):\n    def __init__(self, i, o):\n        super().__init__()\n"
    "        self.c = nn.Conv2d(i, o, 3)\n\n    def forward(self, x):\n        return self.c(x)\n\n\n"
    + HEAD
    + "        self.a = Block(3, 8)\n        self.b = Block(«16», 4)\n"
    + FORWARD,
    "block_by_keyword_only": "class Block(nn.Module):\n    def __init__(self, *, i, o):\n"
    "        super().__init__()\n"
    "        self.c = nn.Conv2d(i, o, 3)\n\n    def forward(self, x):\n        return self.c(x)\n\n\n"
    + HEAD
    + "        self.a = Block(i=3, o=8)\n        self.b = Block(i=«16», o=4)\n"
    + FORWARD,
    "default_of_the_model": "class Net(nn.Module):\n    def __init__(self, width=16):\n"
    "        super().__init__()\n" + FIRST + "        self.b = nn.Conv2d(«width», 4, 3)\n" + FORWARD,
    "class_constant": "class Net(nn.Module):\n    WIDTH = 16\n\n    def __init__(self):\n"
    "        super().__init__()\n" + FIRST + "        self.b = nn.Conv2d(«self.WIDTH», 4, 3)\n" + FORWARD,
    "config_list": HEAD + "        layers = []\n        for i, o in [(3, 8), (16, 4)]:\n"
    "            layers.append(nn.Conv2d(«i», o, 3))\n"
    "        self.a, self.b = layers\n" + FORWARD,
    "stars": HEAD + FIRST + "        args = (16, 4, 3)\n        self.b = «nn.Conv2d(*args)»\n" + FORWARD,
    "double_stars": HEAD + FIRST + "        options = {'in_channels': 16, 'out_channels': 4, 'kernel_size': 3}\n"
    "        self.b = «nn.Conv2d(**options)»\n" + FORWARD,
    "subclass_of_a_layer": "class Conv(nn.Conv2d):\n    pass\n\n\n"
    + HEAD
    + FIRST
    + "        self.b = Conv(«16», 4, 3)\n"
    + FORWARD,
    "subclass_with_a_constructor": "class Conv(nn.Conv2d):\n    def __init__(self, i, o):\n"
    "        super().__init__(i, o, 3)\n\n\n" + HEAD + FIRST + "        self.b = Conv(«16», 4)\n" + FORWARD,
    "subclass_that_hands_all_on": "class Conv(nn.Conv2d):\n    def __init__(self, *args, **kwargs):\n"
    "        super().__init__(*args, **kwargs)\n\n\n"
    "" + HEAD + FIRST + "        self.b = Conv(«16», 4, 3)\n" + FORWARD,
    "subclass_with_torchs_names": "class Conv(nn.Conv2d):\n"
    "    def __init__(self, in_channels, out_channels):\n"
    "        super().__init__(in_channels, out_channels, 3)\n\n\n"
    + HEAD
    + FIRST
    + "        self.b = Conv(«16», 4)\n"
    + FORWARD,
    "subclass_that_computes": "class Conv(nn.Conv2d):\n    def __init__(self, in_channels, out_channels):\n"
    "        super().__init__(«in_channels * 2», out_channels, 3)\n\n\n"
    + HEAD
    + FIRST
    + "        self.b = Conv(16, 4)\n"
    + FORWARD,
    "decorated_helper": "import functools\n\n\ndef plain(f):\n    @functools.wraps(f)\n"
    "    def inner(*args):\n"
    "        return f(*args)\n\n    return inner\n\n\n@plain\ndef conv(i, o):\n"
    "    return nn.Conv2d(«i», o, 3)\n\n\n" + HEAD + FIRST + "        self.b = conv(16, 4)\n" + FORWARD,
    "marked_helper": "def plain(f):\n    return f\n\n\n@plain\ndef conv(i, o):\n"
    "    return nn.Conv2d(i, o, 3)\n\n\n" + HEAD + FIRST + "        self.b = conv(«16», 4)\n" + FORWARD,
    "partial": "from functools import partial\n\nconv = partial(nn.Conv2d, kernel_size=3)\n\n\n"
    + HEAD
    + FIRST
    + "        self.b = conv(«16», 4)\n"
    + FORWARD,
    "class_in_a_name": HEAD + FIRST + "        kind = nn.Conv2d\n        self.b = kind(«16», 4, 3)\n" + FORWARD,
    "comprehension": HEAD
    + "        self.a = nn.Sequential(*[nn.Conv2d(«i», 8, 3) for i in (3, 16)])\n        self.b = nn.ReLU()\n"
    + FORWARD,
    "recurrent": HEAD + "        self.a = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(2))\n"
    "        self.b = nn.GRU(«16», 4, batch_first=True)\n\n"
    "    def forward(self, x):\n        return self.b(self.a(x).transpose(1, 2))\n",
    "operation": HEAD + "        self.a = nn.Conv2d(3, 8, 1)\n        self.b = nn.Conv2d(3, 4, 1)\n\n"
    "    def forward(self, x):\n        y = torch.relu(«self.a(x) + self.b(x)»)\n        return y\n",
    "operation_over_lines": HEAD + "        self.a = nn.Conv2d(3, 8, 1)\n"
    "        self.b = nn.Conv2d(3, 4, 1)\n\n"
    "    def forward(self, x):\n        return «torch.stack([\n            self.a(x),\n"
    "            self.b(x),\n        ])»\n",
    "operation_in_a_method": HEAD + "        self.a = nn.Conv2d(3, 8, 1)\n"
    "        self.b = nn.Conv2d(3, 4, 1)\n\n"
    "    def forward(self, x):\n        return self.join(self.a(x), self.b(x))\n\n"
    "    def join(self, one, two):\n        return «one + two»\n",
    "numbers_of_a_view": HEAD + "        self.a = nn.Sequential(nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(2))\n"
    "        self.b = nn.Linear(«16», 4)\n\n"
    "    def forward(self, x):\n        return self.b(self.a(x).view(-1, 16))\n",
    "positional_only": "def conv(i, o, /):\n    return nn.Conv2d(i, o, 3)\n\n\n"
    + HEAD
    + FIRST
    + "        self.b = conv(«16», 4)\n"
    + FORWARD,
    "make_layer": HEAD + "        self.width = 3\n        self.a = self.make(8, 1)\n        self.width = 16\n"
    "        self.b = self.make(4, 2)\n\n"
    "    def make(self, planes, blocks):\n        layers = [nn.Conv2d(«self.width», planes, 3)]\n"
    "        self.width = planes\n"
    "        layers += [nn.Conv2d(planes, planes, 3) for _ in range(1, blocks)]\n"
    "        return nn.Sequential(*layers)\n\n" + FORWARD,
    "dataclass_config": "from dataclasses import dataclass\n\n\n@dataclass\nclass Config:\n"
    "    width: int = 16\n\n\n"
    "class Net(nn.Module):\n    def __init__(self, config=Config()):\n        super().__init__()\n"
    + FIRST
    + "        self.b = nn.Conv2d(«config.width», 4, 3)\n"
    + FORWARD,
    "add_module": HEAD + FIRST + "        self.add_module('b', nn.Conv2d(«16», 4, 3))\n" + FORWARD,
}
DEFECTS = {
    "subclass_with_a_constructor": "the frames of a layer's own constructors are left out of the chain",
    "subclass_that_hands_all_on": "the frames of a layer's own constructors are left out of the chain",
    "subclass_that_computes": "the argument of the same name is blamed, whatever the constructor makes of it",
}


def marked(code: str) -> tuple[str, tuple[int, int, int, int]]:
    """The source, and the span of what is marked: row, column, end row, end column, from 1."""
    source = f"{PREAMBLE}\n\n{code}"
    before, rest = source.split("«")
    inside, after = rest.split("»")
    start, end = before, before + inside
    corners = [(text.count("\n") + 1, len(text) - text.rfind("\n")) for text in (start, end)]
    return before + inside + after, (*corners[0], *corners[1])


def corners(span: Span) -> tuple[int, int, int, int]:
    return span.row, span.column, span.end_row, span.end_column


CASES = [
    pytest.param(
        code,
        id=name,
        marks=[pytest.mark.xfail(strict=True, reason=DEFECTS[name])] if name in DEFECTS else [],
    )
    for name, code in PLACES.items()
]


@pytest.mark.parametrize("code", CASES)
def test_the_place_at_fault(linter: Linter, code: str) -> None:
    source, expected = marked(code)
    shape = ("B", 3, 24, 24)
    if "view(-1" not in source:  # which is silent in torch
        assert linter.torch_refuses(source, shape)
    place = linter(source, shape).the_finding.place
    assert corners(place) == expected
    assert place.filename == linter.files[-1].name


RECKONED: dict[str, tuple[str, bool]] = {
    "handed_on": ("self.a, self.b = nn.Linear(8, hidden), nn.Linear(hidden, 4)", False),
    "by_keyword": ("self.a, self.b = nn.Linear(8, out_features=hidden), nn.Linear(hidden, 4)", False),
    "in_a_sum": ("self.a, self.b = nn.Linear(8, hidden + 16), nn.Linear(hidden, 4)", True),
    "in_a_branch": ("self.a, self.b = nn.Linear(8, 24 if hidden else 8), nn.Linear(hidden, 4)", True),
}


@pytest.mark.parametrize(("layers", "is_reckoned"), RECKONED.values(), ids=RECKONED)
def test_a_number_that_others_are_made_of(linter: Linter, layers: str, is_reckoned: bool) -> None:
    head = HEAD.replace("Net", "Head").replace("self):", "self, hidden):", 1) + f"        {layers}\n{FORWARD}\n\n"
    source = head + HEAD + "        self.head = Head(16)\n    def forward(self, x):\n        return self.head(x)\n"
    checked = linter(PREAMBLE + source, ("B", 8))
    assert ("in_features" in checked.model.layers["head.b"].reckoned) == is_reckoned
