"""Training scripts with one mistake each and their right twins, which differ in one line."""

from __future__ import annotations

import textwrap
from typing import NamedTuple

import pytest
from programs import DryRunOf, rows

HEAD = """\
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset


class Net(nn.Module):
    def __init__(self, features=12, classes=3):
        super().__init__()
        self.hidden = nn.Linear(features, 32)
        self.out = nn.Linear(32, classes)

    def forward(self, x):
        return self.out(F.relu(self.hidden(x)))


"""


class Twins(NamedTuple):
    """The rest of a script, where `WRONG` or `RIGHT` stands on the line that differs."""

    name: str
    body: str
    wrong: str
    right: str
    at: str  # a piece of the line that is reported


TWINS = [
    Twins(
        "features_of_the_data",
        """
        loader = DataLoader(TensorDataset(torch.randn(50, LINE), torch.randint(0, 3, (50,))), batch_size=8)
        model = Net()
        for x, y in loader:
            loss = F.cross_entropy(model(x), y)
            loss.backward()
        """,
        "11",
        "12",
        "self.hidden = nn.Linear",
    ),
    Twins(
        "loss_of_two_lengths",
        """
        model = Net()
        criterion = nn.CrossEntropyLoss()
        x, y = torch.randn(16, 12), torch.randint(0, 3, (LINE,))
        loss = criterion(model(x), y)
        """,
        "8",
        "16",
        "loss = criterion(",
    ),
    Twins(
        "one_hot_targets_of_integers",
        """
        model = Net()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for epoch in range(10):
            optimizer.zero_grad()
            y = F.one_hot(torch.randint(0, 3, (16,)), 3)LINE
            loss = F.cross_entropy(model(torch.randn(16, 12)), y)
            loss.backward()
            optimizer.step()
        """,
        "",
        ".float()",
        "loss = F.cross_entropy(",
    ),
    Twins(
        "flattened_for_convolutions",
        """
        class Pictures(Dataset):
            def __len__(self):
                return 40

            def __getitem__(self, index):
                return torch.rand(1, 28, 28)LINE, index % 10


        class Convs(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(1, 4, 3)
                self.fc = nn.Linear(4 * 26 * 26, 10)

            def forward(self, x):
                return self.fc(self.conv(x).flatten(1))


        def train(model, loader):
            for x, y in loader:
                F.cross_entropy(model(x), y).backward()


        if __name__ == "__main__":
            train(Convs(), DataLoader(Pictures(), 8, shuffle=True))
        """,
        "[:, :26]",
        "",
        "self.fc = nn.Linear(4",
    ),
    Twins(
        "state_of_the_full_batch",
        """
        class Memory(nn.Module):
            def __init__(self):
                super().__init__()
                self.rnn = nn.GRU(12, 8, batch_first=True)

            def forward(self, x, state):
                return self.rnn(x, state)


        loader = DataLoader(TensorDataset(torch.randn(20, 5, 12)), batch_size=8)
        model = Memory()
        for (x,) in loader:
            state = torch.zeros(1, LINE, 8)
            output, state = model(x, state)
        """,
        "8",
        "x.shape[0]",
        "self.rnn(x, state)",
    ),
    Twins(
        "a_layer_at_the_top",
        """
        line = nn.Linear(LINE, 1)
        x = torch.randn(19, 1)
        y = line(x)
        """,
        "19",
        "1",
        "line = nn.Linear(",
    ),
    Twins(
        "output_of_one_model_into_another",
        """
        class Head(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(LINE, 2)

            def forward(self, x):
                return self.fc(x)


        body, head = Net(classes=7), Head()
        for step in range(100):
            head(body(torch.randn(4, 12)))
        """,
        "3",
        "7",
        "self.fc = nn.Linear(",
    ),
    Twins(
        "options_changed_after_parsing",
        """
        import argparse


        def main():
            parser = argparse.ArgumentParser()
            group = parser.add_argument_group("net")
            group.add_argument("--features", type=int, default=12)
            parser.add_argument("data")
            args = parser.parse_args()
            args.classes = 3
            LINE
            model = Net(args.features, args.classes)
            model(torch.randn(4, 12))


        main()
        """,
        "args.features = 13",
        "pass",
        "model = Net(args.features",
    ),
    Twins(
        "matrices_into_dot",
        """
        model = Net()
        out = model(torch.randn(4, 12))
        same = torch.dot(outLINE, outLINE)
        """,
        "",
        "[0]",
        "same = torch.dot(",
    ),
    Twins(
        "evaluation_of_another_size",
        """
        def evaluate(model, data):
            model.eval()
            correct = 0
            with torch.no_grad():
                for x, y in data:
                    correct += (model(x).argmax(1) == y).sum().item()
            return correct / len(data)


        model = Net()
        test = DataLoader(TensorDataset(torch.randn(30, LINE), torch.randint(0, 3, (30,))), 10)
        print(f"{evaluate(model, test):.3f}")
        """,
        "10",
        "12",
        "self.hidden = nn.Linear",
    ),
]


@pytest.mark.parametrize("twins", TWINS, ids=lambda twins: twins.name)
def test_only_the_wrong_twin_is_reported(twins: Twins, dry_run: DryRunOf) -> None:
    body = textwrap.dedent(twins.body)
    for line, is_wrong in ((twins.wrong, True), (twins.right, False)):
        script = HEAD + body.replace("LINE", line)
        found = {row for _, row in rows(dry_run(script))}
        at = next(number for number, text in enumerate(script.splitlines(), 1) if twins.at in text)
        assert found == ({at} if is_wrong else set())
