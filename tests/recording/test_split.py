"""Splitting trials: every condition on both sides, none refuses the recording for all."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stochnet as sn


def raster_of(labels, n_bins=4):
    labels = np.asarray(labels)
    dense = np.random.default_rng(1).random((2, len(labels), n_bins)) < 0.5
    return sn.SpikeRaster.from_dense(
        dense,
        conditions=np.repeat(labels[:, None], n_bins, axis=1),
        stimuli=np.arange(dense[0].size).reshape(dense[0].shape),
    )


def firsts(raster):
    return raster.conditions[:, 0].tolist()


@given(st.lists(st.integers(-1, 3), min_size=2, max_size=30), st.floats(0.1, 0.9))
def test_every_stratum_is_on_both_sides_and_every_trial_on_one(labels, fraction):
    counts = {label: labels.count(label) for label in set(labels)}
    if min(counts.values()) < 2:
        with pytest.raises(sn.StochnetError, match="min_trials=2"):
            sn.split_trials(raster_of(labels), fraction)
    if max(counts.values()) < 2:
        return
    raster = raster_of(labels)
    fitted, judged = sn.split_trials(raster, fraction, min_trials=2)
    kept = {label for label, n in counts.items() if n > 1}
    assert set(firsts(fitted)) == set(firsts(judged)) == kept
    shown = np.concatenate([fitted.stimuli.ravel(), judged.stimuli.ravel()])
    assert len(set(shown.tolist())) == len(shown) == 4 * sum(counts[one] for one in kept)
    for label in kept:
        assert firsts(fitted).count(label) == min(
            counts[label] - 1, max(1, round(fraction * counts[label]))
        )
    left_out = sum(n for n in counts.values() if n < 2)
    for side in (fitted, judged):
        assert sum(side.provenance.get("left_out", {}).values()) == left_out


def test_trials_without_a_condition_are_a_stratum_of_their_own():
    fitted, judged = sn.split_trials(raster_of([-1] * 4 + [0] * 8), 0.5)
    assert firsts(fitted).count(-1) == firsts(judged).count(-1) == 2


def test_rare_conditions_are_left_out_on_demand_and_counted():
    raster = raster_of([0, 0, 0, 1, 2, 2, -1])
    with pytest.raises(sn.StochnetError, match="trials without a condition has one trial only"):
        sn.split_trials(raster)
    fitted, judged = sn.split_trials(raster, 0.5, min_trials=3)
    assert set(firsts(fitted)) == set(firsts(judged)) == {0}
    facts = {"trials without a condition": 1, "condition 1": 1, "condition 2": 2}
    assert fitted.provenance["left_out"] == judged.provenance["left_out"] == facts
    with pytest.raises(sn.StochnetError, match="fewer than 9 trials"):
        sn.split_trials(raster, min_trials=9)


def test_the_split_of_labelled_trials_is_the_one_it_was():
    """Held for studies: strata in the order of their labels, one permutation each."""
    fitted, _ = sn.split_trials(raster_of([0, 1] * 6), 0.75, rng=0)
    generator, chosen = np.random.default_rng(0), []
    for label in (0, 1):
        chosen += generator.permutation(np.flatnonzero(np.arange(12) % 2 == label))[:4].tolist()
    assert fitted.stimuli[:, 0].tolist() == [4 * trial for trial in sorted(chosen)]
