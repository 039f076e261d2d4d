"""The PyTorch contender of `benchmarks.training`; needs `torch` and NumPy alone: a venv of its own will do."""

import argparse
import json
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

CLASSES, SIZE = 10, 32


class Block(nn.Module):
    """Two 3 x 3 convolutions added to a shortcut: the identity, or a 1 x 1 projection where shapes change."""

    def __init__(self, channels, filters, strides):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, filters, 3, strides, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(filters)
        self.shortcut = nn.Identity()
        if strides > 1 or channels != filters:
            projection = nn.Conv2d(channels, filters, 1, strides, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(filters))

    def forward(self, x):
        y = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


def resnet20():
    """Builds ResNet-20: `(batch, 3, height, width)` to logits `(batch, 10)`."""
    parts, channels = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()], 16
    for filters in (16, 32, 64):
        for _ in range(3):
            parts.append(Block(channels, filters, 1 if filters == channels else 2))
            channels = filters
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, CLASSES))


def measure(steps, warmup, seed, threads, memory_format, batch_size=128):
    """Trains for `warmup + steps` steps and returns what the last `steps` took."""
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    draw = np.random.default_rng(seed)
    count = (warmup + steps) * batch_size
    pictures = draw.integers(0, 256, (count, SIZE, SIZE, 3), dtype="uint8")
    x = torch.from_numpy(pictures.astype("float32") / 127.5 - 1).permute(0, 3, 1, 2).contiguous()
    y = torch.from_numpy(draw.integers(0, CLASSES, count))
    model = resnet20().to(memory_format=memory_format).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for step, rows in enumerate(torch.randperm(count).split(batch_size)):
        if step == warmup:
            wall, cpu = time.perf_counter(), time.process_time()
        loss = functional.cross_entropy(model(x[rows].contiguous(memory_format=memory_format)), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    # Keras counts the moving means and variances too.
    buffers = [buffer for name, buffer in model.named_buffers() if "running" in name]
    return {
        "pictures_per_second": steps * batch_size / wall,
        "cpu_milliseconds": 1000 * cpu / (steps * batch_size),
        "loss": float(loss.detach()),
        "parameters": sum(value.numel() for value in [*model.parameters(), *buffers]),
        "trainable": sum(value.numel() for value in model.parameters()),
        "version": torch.__version__,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for option, default in (("--steps", 40), ("--warmup", 5), ("--seed", 0), ("--threads", 2)):
        parser.add_argument(option, type=int, default=default)
    parser.add_argument("--memory-format", choices=["contiguous_format", "channels_last"], default="contiguous_format")
    options = vars(parser.parse_args())
    options["memory_format"] = getattr(torch, options["memory_format"])
    print(json.dumps(measure(**options)))
