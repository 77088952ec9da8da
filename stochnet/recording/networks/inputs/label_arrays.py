"""One whole number for every stimulus: labels, training labels, indices."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochnet.errors import InvalidInputError


def per_stimulus(
    name: str, values: ArrayLike | None, n: int, highest: int, lowest: int = 0
) -> NDArray[np.int64] | None:
    """Return one integer for each stimulus, or None.

    Raises
    ------
    InvalidInputError
        Another shape, fractions, or numbers out of range.
    """
    if values is None:
        return None
    try:
        array = np.asarray(values)
    except (ValueError, TypeError, RuntimeError) as error:
        raise InvalidInputError(f"{name} must be one integer for each image: {error}") from error
    if array.shape != (n,):
        hint = ""
        if array.shape == (n, 1):
            hint = f"; give {name}.ravel()"
        elif array.ndim == 2 and len(array) == n:
            hint = f"; if these are one-hot, give {name}.argmax(1)"
        raise InvalidInputError(
            f"{name} must be one integer for each of the {n} images, got shape {array.shape}{hint}"
        )
    if array.dtype.kind not in "iu":
        whole = array.dtype.kind in "fb" and bool((array == np.floor(array)).all())
        hint = f"; give {name}.astype(int)" if whole else ""
        raise InvalidInputError(f"{name} must be integers, not {array.dtype}{hint}")
    if array.min() < lowest or array.max() > highest:
        unlabelled = int((array == -1).sum())
        hint = ""
        if lowest == 0 and array.min() == -1:
            hint = (
                f"; {unlabelled} of them are -1, which is no class: leave these stimuli out "
                f"(images[{name} >= 0]), or give no {name}"
            )
        raise InvalidInputError(
            f"{name} must lie in {lowest} to {highest}, they span {array.min()} to {array.max()}"
            f"{hint}"
        )
    return array.astype(np.int64)


def draw_labels(labels: ArrayLike, mode: str, n_classes: int, seed: int) -> NDArray[np.int64]:
    """Return the labels to train on.

    Parameters
    ----------
    labels : array_like of int, shape (stimulus,)
        The true ones.
    mode : str
        ``"true"``; ``"random"``: each is drawn anew, all classes alike; ``"noise:0.4"``: that
        fraction of them is drawn anew, which may give the true class again. With one seed, what a
        smaller fraction changes a larger one changes in the same way.
    n_classes : int
        Number of classes.
    seed : int
        Decides which labels change, and to what.

    Raises
    ------
    InvalidInputError
        The mode is unknown.
    """
    true = np.asarray(labels, dtype=np.int64)
    kind, _, amount = mode.partition(":")
    try:
        fraction = {"true": 0.0, "random": 1.0}[mode] if kind != "noise" else float(amount)
    except (KeyError, ValueError):
        fraction = math.nan
    if not 0 <= fraction <= 1:
        raise InvalidInputError(
            f"labels must be 'true', 'random' or 'noise:FRACTION' (0 to 1), got {mode!r}"
        )
    rng = np.random.default_rng([seed, 1])
    order, drawn = rng.permutation(len(true)), rng.integers(n_classes, size=len(true))
    changed = order[: round(fraction * len(true))]
    result = true.copy()
    result[changed] = drawn[changed]
    return result
