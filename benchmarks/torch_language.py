"""The PyTorch side of `benchmarks.language`; needs `torch` and NumPy alone: a venv of its own will do."""

import argparse
import json
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

VOCABULARY, TEMPERATURE, CLIP = 66, 0.8, 1.0


class LanguageLSTM(nn.Module):
    """Two layers of 256 units on characters."""

    def __init__(self, block, width=256, depth=2):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, width)
        self.lstm = nn.LSTM(width, width, depth, batch_first=True)
        self.logits = nn.Linear(width, VOCABULARY)
        # The same weights as cells: for a single token nn.LSTM takes several times as long.
        self.cells = nn.ModuleList(nn.LSTMCell(width, width) for _ in range(depth))
        for number, cell in enumerate(self.cells):
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                setattr(cell, name, getattr(self.lstm, f"{name}_l{number}"))

    def forward(self, ids, state=None):
        """Takes ids `(batch, length)` and a state; gives logits `(batch, length, vocabulary)` and the next state."""
        x = self.embedding(ids)
        if state is not None and ids.shape[1] == 1:
            x, state = self._step(x[:, 0], state)
        else:
            x, state = self.lstm(x, state)
        return self.logits(x), state

    def _step(self, x, state):
        states = []
        for cell, *before in zip(self.cells, *state, strict=True):
            states.append(cell(x, before))
            x = states[-1][0]
        return x[:, None], [*zip(*states, strict=True)]


class Layer(nn.Module):
    """A layer of a transformer, its cache given from outside."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = (nn.LayerNorm(width, bias=False) for _ in range(2))
        self.input = nn.Linear(width, 3 * width, bias=False)
        self.output = nn.Linear(width, width, bias=False)
        self.inner = nn.Sequential(
            nn.Linear(width, 4 * width, bias=False), nn.GELU(), nn.Linear(4 * width, width, bias=False)
        )

    def forward(self, x, cache, place):
        batch, length, width = x.shape
        parts = self.input(self.norm1(x)).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        queries, keys, values = parts
        if cache is not None:
            cache[0][:, :, place : place + length], cache[1][:, :, place : place + length] = keys, values
            keys, values = (kept[:, :, : place + length] for kept in cache)
        # One token sees all that is kept; of several, which are the first ones, each sees those before it.
        seen = functional.scaled_dot_product_attention(queries, keys, values, is_causal=length > 1)
        x = x + self.output(seen.transpose(1, 2).reshape(batch, length, width))
        return x + self.inner(self.norm2(x))


class GPT(nn.Module):
    """The decoder-only transformer of nanoGPT's CPU setting: 4 layers, 4 heads, 128 wide, no biases, tied output."""

    def __init__(self, block, width=128, depth=4, heads=4):
        super().__init__()
        self.block, self.heads = block, heads
        self.embedding = nn.Embedding(VOCABULARY, width)
        self.places = nn.Embedding(block, width)
        self.layers = nn.ModuleList(Layer(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width, bias=False)
        for weight in self.parameters():
            if weight.ndim > 1:
                nn.init.normal_(weight, std=0.02)

    def forward(self, ids, state=None):
        """Takes ids `(batch, length)` and a state; gives logits `(batch, length, vocabulary)` and the next state."""
        caches, place = state or ([None] * len(self.layers), 0)
        x = self.embedding(ids) + self.places.weight[place : place + ids.shape[1]]
        for layer, cache in zip(self.layers, caches, strict=True):
            x = layer(x, cache, place)
        return self.norm(x) @ self.embedding.weight.T, (caches, place + ids.shape[1])

    def empty(self, batch):
        """Returns the state of no token, with room for `block` of them."""
        width = self.embedding.embedding_dim
        shape = 2, batch, self.heads, self.block, width // self.heads
        return [torch.empty(shape) for _ in self.layers], 0


NETWORKS = {"lstm": LanguageLSTM, "gpt": GPT}


def train(model, ids, options):
    """Trains for `warmup + steps` steps; returns the seconds of the last `steps`, by the wall and of the processor."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.99))
    draw, state = np.random.default_rng(options.seed), None
    lane = (len(ids) - 1) // options.batch
    for step in range(options.warmup + options.steps):
        if step == options.warmup:
            clocks = time.perf_counter(), time.process_time()
        if options.network == "lstm":
            begins = np.arange(options.batch) * lane + step * options.block
            state = state and tuple(part.detach() for part in state)
        else:
            begins = draw.integers(0, len(ids) - options.block, options.batch)
        windows = torch.from_numpy(ids[begins[:, None] + np.arange(options.block + 1)])
        logits, after = model(windows[:, :-1], state)
        state = after if options.network == "lstm" else None
        loss = functional.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        loss.item()  # as a progress bar would
    return time.perf_counter() - clocks[0], time.process_time() - clocks[1]


@torch.inference_mode()
def generate(model, prompt, count):
    """Goes on with a prompt `(batch, length)` by `count` tokens, `(batch, count)`."""
    state = model.empty(len(prompt)) if isinstance(model, GPT) else None
    tokens, said = prompt, []
    for _ in range(count):
        logits, state = model(tokens, state)
        logits = logits[:, -1] / TEMPERATURE
        logits[:, 0] = -torch.inf  # padding
        tokens = torch.multinomial(logits.softmax(-1), 1)
        said.append(tokens)
    return torch.cat(said, 1)


def measure(options):
    """Returns what one run took, as `{name: number}`."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    model = NETWORKS[options.network](options.block)
    ids = np.random.default_rng(options.seed).integers(1, VOCABULARY, options.length)
    if options.task == "training":
        wall, cpu = train(model.train(), ids, options)
        tokens = options.steps * options.batch * options.block
    else:
        prompt = torch.from_numpy(ids[: options.batch * options.prompt].reshape(options.batch, -1))
        model.eval()
        for step in range(options.warmup + options.steps):
            if step == options.warmup:
                clocks = time.perf_counter(), time.process_time()
            generate(model, prompt, options.count)
        wall, cpu = time.perf_counter() - clocks[0], time.process_time() - clocks[1]
        tokens = options.steps * options.batch * options.count
    return {
        "tokens_per_second": tokens / wall,
        "cpu_microseconds": 1e6 * cpu / tokens,
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "version": torch.__version__,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("task", choices=["training", "generation"])
    for option in ("batch", "block", "steps", "warmup", "seed", "threads", "length", "prompt", "count"):
        parser.add_argument(f"--{option}", type=int, required=True)
    print(json.dumps(measure(parser.parse_args())))
