"""Has a layer whose name steers terminals and breaks lines."""

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(10, 3)
        self.add_module('\n\x1b[31m"\'\r</script>\x07', nn.Linear(99, 3))

    def forward(self, x):
        x = self._modules['\n\x1b[31m"\'\r</script>\x07'](x)
        return self.fc(x)
