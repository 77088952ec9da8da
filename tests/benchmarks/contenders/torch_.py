"""PyTorch on the CPU: three forms of drawing 0/1 bins, into reused tensors, not packed."""

from __future__ import annotations

import torch
from serve import Work, serve

SMALL, LARGE = 400_000, 40_000_000


def form(draw, buffer_bytes: int, kind: torch.dtype):
    """``draw(p, generator, uniforms, spikes)`` fills the spikes of some nodes."""

    def prepare(p, n_bins):
        generator = torch.Generator().manual_seed(1)
        rows = min(len(p), max(1, buffer_bytes // (4 * n_bins)))
        column = torch.from_numpy(p.astype("float32"))[:, None]
        parts = [column[first : first + rows] for first in range(0, len(p), rows)]
        uniforms = torch.empty((rows, n_bins), dtype=torch.float32)
        spikes = torch.empty((rows, n_bins), dtype=kind)

        def run(count=False):
            total = 0
            for part in parts:
                to = spikes[: len(part)]
                draw(part, generator, uniforms[: len(part)], to)
                if count:
                    total += int(torch.count_nonzero(to))
            return total

        return Work(run, lambda _: run(count=True))

    return prepare


def compare(p, generator, uniforms, spikes):
    torch.lt(uniforms.uniform_(generator=generator), p, out=spikes)


def in_place(p, generator, uniforms, spikes):
    spikes.bernoulli_(p.expand(spikes.shape), generator=generator)


def bernoulli(p, generator, uniforms, spikes):
    torch.bernoulli(p.expand(spikes.shape), generator=generator, out=spikes)


FORMS = {
    "uniform_ < p, buffer of 0.4 MB": form(compare, SMALL, torch.bool),
    "uniform_ < p, buffer of 40 MB": form(compare, LARGE, torch.bool),
    "bernoulli_ on bool": form(in_place, SMALL, torch.bool),
    "bernoulli": form(bernoulli, SMALL, torch.float32),
}

if __name__ == "__main__":
    torch.set_grad_enabled(False)
    serve(FORMS, torch.__version__)
