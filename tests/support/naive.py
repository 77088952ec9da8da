"""Slow dense references in plain Python: what the fast code must equal, number for number.

Written from docs/random-streams.md and the docstrings, not from the kernels. Nothing here is
compiled, packed or blocked.
"""

import math
from collections import Counter
from fractions import Fraction
from itertools import pairwise

import numpy as np

from stochnet.process import Renewal

MASK = 0xFFFFFFFF
SPIKE, TIE, COUNT, GAIN, INIT, STEP, SCHEDULE, GAP = range(8)
# log2(1 + t) = t + t (1 - t) R(t): the coefficients of R times 2**32, from docs/random-streams.md.
R = (
    1901360574, -1196794288, 868451854, -678503429, 547173145,
    -429525727, 297932401, -160034136, 55972870, -9230111,
)  # fmt: skip


def philox(counter, key):
    """Philox4x32-10 on Python integers."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & MASK, (p0 >> 32) ^ c3 ^ k1, p0 & MASK
        k0, k1 = (k0 + 0x9E3779B9) & MASK, (k1 + 0xBB67AE85) & MASK
    return c0, c1, c2, c3


def key_of(seed):
    return seed & MASK, seed >> 32


def gain_level(word):
    """Level 0 to 255 by the rules of docs/random-streams.md."""
    six = word >> 26
    if six == 0:
        return 192 + ((word >> 20) & 63)
    if six < 63:
        return six
    six = (word >> 20) & 63
    if six < 63:
        return 64 + six
    return 128 + ((word >> 14) & 63)


def permutation(n, seed, stream, repeat):
    def sort_key(item):
        first, second, _, _ = philox((item, repeat, stream, SCHEDULE), key_of(seed))
        return first << 32 | second

    return sorted(range(n), key=sort_key)


def has_spike(p, t, trial, node, key):
    """Whether an independent bin with spike probability p holds a spike."""
    threshold = math.floor(p * 2.0**40)
    words = philox((t // 16, trial, node, SPIKE), key)
    byte = b"".join(word.to_bytes(4, "little") for word in words)[t % 16]
    if byte != threshold >> 32:
        return byte < threshold >> 32
    return philox((t, trial, node, TIE), key)[0] < threshold & MASK


def exponential(word):
    """-log2((word + 1/2) / 2**32) times 2**32, by the integers of docs/random-streams.md."""
    odd = 2 * word + 1
    zeros = 33 - odd.bit_length()
    t = (odd << zeros) - 2**32
    r = R[9]
    for coefficient in R[8::-1]:
        r = (r * t >> 32) + coefficient
    log = t + ((t * (2**32 - t) >> 32) * r >> 32)
    return (zeros + 1) * 2**32 - log


def gap_scale(p):
    """Scale and shift of a sparse node: scale / 2**(shift - 32) is -1 / log2(1 - p)."""
    p = math.floor(p * 2.0**40) / 2.0**40
    f, e = math.frexp(1 - p)
    z = (1 - f) / (1 + f)
    rate = 1 / 35
    for n in range(33, 0, -2):
        rate = 1 / n + z * z * rate
    mean = 0.6931471805599453 / (2 * z * rate - e * 0.6931471805599453)
    f, e = math.frexp(mean)
    return math.floor(Fraction(f) * 2**32), 64 - e


def is_sparse(p):
    return 2**20 <= math.floor(p * 2.0**40) < 2**35


def sparse_trial(p, trial, node, n_bins, key):
    """All bins of a trial of a sparse node."""
    scale, shift = gap_scale(p)
    bins, last, i = [0] * n_bins, -1, 0
    while True:
        word = philox((i // 4, trial, node, GAP), key)[i % 4]
        last += (exponential(word) * scale >> shift) + 1
        if last >= n_bins:
            return bins
        bins[last] = 1
        i += 1


def renewal_trial(hazards, trial, node, n_bins, key):
    """All bins of a trial of a renewal node with one law of gaps."""
    longest = len(hazards) // 2
    tables = []
    for own in (hazards[:longest], hazards[longest:]):
        alive, entries = 1.0, []
        for hazard in own.tolist():
            alive *= 1.0 - hazard
            entries.append(math.floor((1.0 - alive) * 2.0**32))
        tables.append((entries, own[-1]))
    bins, last, i, (entries, tail), beyond = [0] * n_bins, -1, 0, tables[0], False
    while True:
        word = philox((i // 4, trial, node, GAP), key)[i % 4]
        i += 1
        if beyond:
            if math.floor(tail * 2.0**40) == 0:
                return bins
            scale, shift = (0, 64) if tail == 1 else gap_scale(tail)
            last += (exponential(word) * scale >> shift) + 1
        else:
            gap = sum(entry <= word for entry in entries)
            last += min(gap + 1, longest)
            beyond = gap == longest
            if beyond:
                continue
        if last >= n_bins:
            return bins
        bins[last] = 1
        (entries, tail), beyond = tables[1], False


def word_of_bin(t, trial, node, purpose, key):
    return philox((t // 4, trial, node, purpose), key)[t % 4]


def count_from(cdf, word):
    entries = [math.floor(value * 2.0**32) for value in cdf]
    entries = [2**32 if entry >= 2**32 - 1 else entry for entry in entries]
    entries[-1] = 2**32
    return sum(entry <= word for entry in entries)


def simulate(bundle, n_trials, n_bins, seed, conditions=None):
    """Dense counts (node, trial, bin), one bin after the other."""
    key = key_of(seed)
    known = bundle.conditions if conditions is None else conditions
    out = np.zeros((bundle.n_nodes, n_trials, n_bins), np.int64)
    for fit in bundle.fits:
        for position, node in enumerate(fit.node_ids.tolist()):
            row = {name: array[position].reshape(-1) for name, array in fit.params.items()}
            table = np.asarray(fit.process.tabulate(row))
            for trial in range(n_trials):
                for t, count in enumerate(_trial(fit, table, known, trial, node, n_bins, key)):
                    out[node, trial, t] = count
    return out


def _trial(fit, table, conditions, trial, node, n_bins, key):
    sampler = fit.process.sampler
    window = min(fit.window or n_bins, n_bins)
    state = None
    if isinstance(sampler, Renewal) and not fit.n_conditions:
        yield from renewal_trial(table[0], trial, node, n_bins, key)
        return
    plain = not (hasattr(sampler, "step") or sampler.most or sampler.gain or sampler.profile)
    if plain and not fit.n_conditions and is_sparse(float(table[0])):
        yield from sparse_trial(float(table[0]), trial, node, n_bins, key)
        return
    for t in range(n_bins):
        c = 0
        if fit.n_conditions:
            c = int(conditions[trial % len(conditions), t % conditions.shape[1]])
        if hasattr(sampler, "step"):
            if t == 0:
                u = philox((0, trial, node, INIT), key)[0] / 2.0**32
                state = sampler.init(table[c], u)
            u = word_of_bin(t, trial, node, STEP, key) / 2.0**32
            count, state = sampler.step(table[c], state, u)
            yield count
            continue
        row = table[c]
        if sampler.profile:
            row = row[t % fit.window * 32 // fit.window]
        if sampler.gain:
            slot = t // window * max(1, fit.n_conditions) + c
            row = row[gain_level(philox((slot, trial, node, GAIN), key)[0])]
        if sampler.most is None:
            yield int(has_spike(float(row), t, trial, node, key))
        else:
            yield count_from(row, word_of_bin(t, trial, node, COUNT, key))


def segments(n_trials, n_bins, window, conditions):
    """Segments in order, as (trial, window, condition) -> bins."""
    found = {}
    for trial in range(n_trials):
        for t in range(n_bins):
            c = 0 if conditions is None else int(conditions[trial, t])
            if c >= 0:
                found.setdefault((trial, t // (window or n_bins), c), []).append(t)
    return dict(sorted(found.items()))


def window_counts(dense, window):
    """Spikes in each full window: (node, trial·window)."""
    n_nodes, n_trials, n_bins = dense.shape
    full = n_bins // window
    counts = [
        [int(dense[i, k, w * window : (w + 1) * window].sum()) for k in range(n_trials)
         for w in range(full)]
        for i in range(n_nodes)
    ]  # fmt: skip
    return np.array(counts).reshape(n_nodes, n_trials * full)


def summary(row, window, conditions, condition):
    """All statistics of one node (trial, bin) in one condition (or pooled: conditions None)."""
    n_trials, n_bins = row.shape
    own = {
        where: bins
        for where, bins in segments(n_trials, n_bins, window, conditions).items()
        if where[2] == condition
    }
    counts = [int(row[where[0], bins].sum()) for where, bins in own.items()]
    values = [int(row[where[0], t]) for where, bins in own.items() for t in bins]
    moves, starts = np.zeros((2, 2), int), np.zeros(2, int)
    for (trial, _, _), bins in own.items():
        for t in bins:
            now = int(row[trial, t] > 0)
            if t == 0:
                starts[now] += 1
            else:
                moves[int(row[trial, t - 1] > 0), now] += 1
    return {
        "n_bins": len(values),
        "spikes": sum(values),
        "counts": dict(Counter(values)),
        "active": sum(value > 0 for value in values),
        "log_factorials": sum(math.lgamma(value + 1) for value in values),
        "n_segments": len(own),
        "windows": Counter(zip(map(len, own.values()), counts, strict=True)),
        "transitions": moves,
        "starts": starts,
    }


def gaps(row, longest):
    """Histogram of gaps between spikes of a trial; the last entry holds all longer ones."""
    found = Counter()
    for trial in row:
        times = np.repeat(np.arange(len(trial)), trial).tolist()
        found.update(min(b - a, longest) for a, b in pairwise(times))
    return found


def ages(row, conditions, condition, longest):
    """Count the bins of one node (trial, bin) by age: array (after spike, age, active)."""
    found = np.zeros((2, longest, 2), int)
    for k, trial in enumerate(row.tolist()):
        after, age = 0, 0
        for t, count in enumerate(trial):
            if conditions is None or conditions[k, t] == condition:
                found[after, min(age, longest - 1), int(count > 0)] += 1
            age += 1
            if count:
                after, age = 1, 0
    return found


def slots(row, window, conditions, condition):
    """Count spikes and bins of one node (trial, bin) by slot of the window."""
    spikes, bins = np.zeros(32, int), np.zeros(32, int)
    for k, trial in enumerate(row.tolist()):
        for t, count in enumerate(trial):
            if conditions is None or conditions[k, t] == condition:
                spikes[t % window * 32 // window] += count
                bins[t % window * 32 // window] += 1
    return spikes, bins


def log_likelihood_markov(row, up, stay, start):
    """Log probability of 0/1 trials of one node under a two-state chain."""
    total = 0.0
    for trial in row.tolist():
        chance = start
        for now in trial:
            total += math.log(chance if now else 1 - chance)
            chance = stay if now else up
    return total
