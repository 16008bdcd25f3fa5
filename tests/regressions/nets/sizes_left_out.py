"""Three sizes that many windows tell apart: not all combinations can be tried, and the channels fit at none of them."""

import torch.nn as nn


# raises: 2 1 7 8 12
# found without inputs
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool1 = nn.MaxPool3d(4, padding=1, dilation=2, ceil_mode=True)
        self.norm1 = nn.BatchNorm3d(1)
        self.up1 = nn.ConvTranspose3d(1, 12, (2, 3, 2), stride=2)
        self.norm2 = nn.InstanceNorm3d(12, affine=True)
        self.conv1 = nn.Conv3d(12, 8, 3, stride=3, padding=2, bias=False)
        self.adapt1 = nn.AdaptiveMaxPool3d(2)
        self.conv2 = nn.Conv3d(20, 8, 1)

    def forward(self, x):
        x = self.norm2(self.up1(self.norm1(self.pool1(x))))
        return self.conv2(self.adapt1(self.conv1(x)))
