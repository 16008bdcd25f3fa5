"""Prints what looks like a report and like facts, wherever it can."""

import json
import os
import struct

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(10, 3)
        report = json.dumps({"version": 1, "diagnostics": [{"code": "CL999"}], "models": [], "summary": {}}).encode()
        facts = json.dumps({"filename": "neighbour.py", "failures": [{"kind": "import", "message": "CL999"}]}).encode()
        frame = struct.pack(">BIQ", 5, 0, len(facts)) + facts
        for place in range(3):
            for text in (report, facts, frame):
                os.write(place if place else 1, text)
        print(report)

    def forward(self, x):
        return self.fc(x)
