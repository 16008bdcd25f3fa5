"""Scripts that would do something outside: the dry run goes through them, and nothing happens."""

from __future__ import annotations

from pathlib import Path

from programs import DryRunOf, inputs_of

NET = """\
import torch
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(12, 3)

    def forward(self, x):
        return self.fc(x)


"""


def test_what_changes_files_does_nothing(dry_run: DryRunOf, tmp_path: Path) -> None:
    kept = tmp_path / "runs" / "kept.txt"
    kept.parent.mkdir()
    kept.write_text("kept")
    script = f"""
import os, shutil

shutil.rmtree({str(kept.parent)!r})
os.remove({str(kept)!r})
os.makedirs({str(tmp_path / "new")!r})
with open({str(tmp_path / "log.txt")!r}, "w") as log:
    log.write("begun")
model = Net()
model(torch.randn(4, 12))
torch.save(model.state_dict(), {str(tmp_path / "model.pt")!r})
"""
    facts = dry_run(NET + script)
    assert inputs_of(facts, "Net") == [("B", 12)]
    assert kept.read_text() == "kept"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["runs", "train.py"]


def test_processes_prompts_and_exits_do_not_end_it(dry_run: DryRunOf) -> None:
    script = """
import argparse, os, subprocess, sys, urllib.request

subprocess.run(["git", "push"])
urllib.request.urlopen("http://127.0.0.1:9/upload", data=b"x")
os.fork()
name = input("Which model? ")
if not torch.cuda.is_available():
    sys.exit("no GPU")
parser = argparse.ArgumentParser()
parser.add_argument("--data", required=True)
args = parser.parse_args()
if not os.path.exists("data"):
    sys.exit(1)
Net()(torch.randn(4, 12))
sys.exit(0)
"""
    assert inputs_of(dry_run(NET + script), "Net") == [("B", 12)]


def test_an_endless_loop_is_left(dry_run: DryRunOf) -> None:
    script = """
model = Net()
step = 0
while True:
    model(torch.randn(4, 12))
    step += 1
    while step:
        pass
"""
    assert inputs_of(dry_run(NET + script), "Net") == [("B", 12)]


def test_workers_of_a_loader_are_not_started(dry_run: DryRunOf) -> None:
    script = """
import os
from torch.utils.data import DataLoader, Dataset

here = os.getpid()


class Rows(Dataset):
    def __len__(self):
        return 10

    def __getitem__(self, index):
        assert os.getpid() == here
        return torch.zeros(12)


for x in DataLoader(Rows(), 4, num_workers=8, pin_memory=True, persistent_workers=True):
    Net()(x)
"""
    assert inputs_of(dry_run(NET + script), "Net") == [("B", 12)]
