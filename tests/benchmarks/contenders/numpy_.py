"""NumPy: uniforms in float32 compared with the probability, in reused buffers, not packed."""

from __future__ import annotations

import numpy as np
from serve import Work, serve


def compare(bits, buffer_bytes: int):
    """Uniforms of a bit generator, a buffer at a time: one that fits the cache, or a large one."""

    def prepare(p, n_bins):
        generator = np.random.Generator(bits(1))
        column = p.astype(np.float32)[:, None]
        rows = min(len(p), max(1, buffer_bytes // (4 * n_bins)))
        uniforms = np.empty((rows, n_bins), np.float32)
        # The spikes of the last buffer only: keeping all of them would be slower.
        spikes = np.empty((rows, n_bins), np.bool_)

        def run(count=False):
            total = 0
            for first in range(0, len(p), rows):
                last = min(first + rows, len(p))
                drawn, to = uniforms[: last - first], spikes[: last - first]
                generator.random(out=drawn, dtype=np.float32)
                np.less(drawn, column[first:last], out=to)
                if count:
                    total += np.count_nonzero(to)
            return total

        return Work(run, lambda _: run(count=True))

    return prepare


FORMS = {
    "random(float32) < p, PCG64, buffer of 40 MB": compare(np.random.PCG64, 40_000_000),
    "random(float32) < p, PCG64, buffer of 0.4 MB": compare(np.random.PCG64, 400_000),
    "random(float32) < p, SFC64, buffer of 0.4 MB": compare(np.random.SFC64, 400_000),
}

if __name__ == "__main__":
    serve(FORMS, np.__version__)
