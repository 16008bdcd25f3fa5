"""What benchmarks/planted.py leaves out of a model's file."""

from benchmarks.left_out import left_out

SOURCE = """\
class Net(nn.Module):
    def __init__(self):
        self.conv = nn.Conv2d(3, 8, 3, stride=2, padding=1)

    def forward(self, x):
        return torch.flatten(self.conv(x).permute(0, 2, 3, 1), 1)


class Other(nn.Module):
    def forward(self, x):
        return x.unsqueeze(1)
"""


def test_a_keyword_or_a_method_is_left_out_one_at_a_time() -> None:
    found = {mutant.kind: mutant for mutant in left_out(SOURCE, ["Net"])}
    assert set(found) == {"missing stride", "missing padding", "missing permute"}
    assert "nn.Conv2d(3, 8, 3, padding=1)" in found["missing stride"].source
    assert "torch.flatten(self.conv(x), 1)" in found["missing permute"].source
    assert found["missing permute"].row == 6


def test_only_the_named_classes_are_changed() -> None:
    assert [mutant.kind for mutant in left_out(SOURCE, ["Other"])] == ["missing unsqueeze"]


def test_a_layer_is_no_method_of_a_tensor() -> None:
    source = "class Net(nn.Module):\n    def forward(self, x):\n        return self.flatten(x)\n"
    assert list(left_out(source, ["Net"])) == []
