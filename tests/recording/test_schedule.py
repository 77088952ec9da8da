"""Schedules and `present`: which stimulus stands where, and that its spikes come along."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stochnet as sn
from stochnet.storage import raster_digest
from stochnet.testing import recordings, seeds
from tests.support import naive

KINDS = ["shuffled", "blocked", "stratified", "sequential"]
sizes = st.integers(1, 12)


@given(n=st.integers(1, 40), n_trials=sizes, n_bins=sizes, seed=seeds())
def test_shuffled_uses_every_stimulus_once_per_permutation(n, n_trials, n_bins, seed):
    order = sn.make_schedule("shuffled", n, n_trials, n_bins, seed=seed).order
    assert order.shape == (n_trials, n_bins)
    flat = order.reshape(-1)
    for start in range(0, len(flat), n):
        part = flat[start : start + n].tolist()
        assert len(set(part)) == len(part)
        assert part == naive.permutation(n, seed, 0, start // n)[: len(part)]
    assert set(flat.tolist()) <= set(range(n))


@given(n=st.integers(1, 40), n_trials=sizes, n_bins=sizes)
def test_sequential_keeps_the_order_and_wraps(n, n_trials, n_bins):
    order = sn.make_schedule("sequential", n, n_trials, n_bins, seed=1).order
    np.testing.assert_array_equal(order.reshape(-1), np.arange(n_trials * n_bins) % n)


@given(
    labels=st.lists(st.sampled_from([0, 1, 5]), min_size=1, max_size=40),
    rounds=st.integers(1, 4), n_bins=sizes, seed=seeds(),
)  # fmt: skip
def test_blocked_trials_are_pure_and_classes_come_in_turn(labels, rounds, n_bins, seed):
    labels = np.array(labels)
    classes = np.unique(labels)
    n_trials = rounds * len(classes)
    order = sn.make_schedule(
        "blocked", len(labels), n_trials, n_bins, labels=labels, seed=seed
    ).order
    shown = labels[order]
    np.testing.assert_array_equal(shown, np.tile(classes, rounds)[:, None].repeat(n_bins, 1))
    for c, value in enumerate(classes):
        dealt, members = order[c :: len(classes)].reshape(-1), np.flatnonzero(labels == value)
        for start in range(0, len(dealt), len(members)):
            part = dealt[start : start + len(members)]
            assert len(set(part.tolist())) == len(part)


@given(
    labels=st.lists(st.sampled_from([0, 1, 5]), min_size=1, max_size=40),
    share=st.integers(1, 4), n_trials=sizes, seed=seeds(),
)  # fmt: skip
def test_stratified_trials_hold_every_class_equally_often(labels, share, n_trials, seed):
    labels = np.array(labels)
    classes = np.unique(labels)
    n_bins = share * len(classes)
    order = sn.make_schedule(
        "stratified", len(labels), n_trials, n_bins, labels=labels, seed=seed
    ).order
    for trial in labels[order]:
        assert [np.count_nonzero(trial == value) for value in classes] == [share] * len(classes)
    for value in classes:
        dealt, members = order[labels[order] == value], np.flatnonzero(labels == value)
        # Whole permutations are dealt, so no stimulus is shown twice more than another.
        used = np.bincount(dealt, minlength=len(labels))[members]
        assert used.max() - used.min() <= 1


def test_stratified_trials_are_in_random_order():
    labels = np.arange(100) % 2
    order = sn.make_schedule("stratified", 100, 50, 20, labels=labels, seed=1).order
    shown = labels[order]
    assert len(np.unique(shown, axis=0)) > 45
    # 25 is the mean and 3.5 the standard error: six of them are never left by chance.
    assert (np.abs(shown.sum(axis=0) - 25) < 21).all()


@pytest.mark.parametrize("kind", KINDS)
def test_seeds_reproduce_and_differ(kind):
    labels = np.arange(60) % 3

    def order(seed):
        return sn.make_schedule(kind, 60, 6, 30, labels=labels, seed=seed).order

    np.testing.assert_array_equal(order(2**64 - 1), order(2**64 - 1))
    assert np.array_equal(order(1), order(2)) == (kind == "sequential")
    drawn = sn.make_schedule(kind, 60, 6, 30, labels=labels)
    np.testing.assert_array_equal(order(drawn.seed), drawn.order)


@pytest.mark.parametrize("counts", [False, True])
@given(data=st.data())
def test_present_is_a_gather_of_the_dense_recording(counts, data):
    recording = data.draw(recordings(counts=counts))
    kind = data.draw(st.sampled_from(KINDS))
    n_classes = recording.n_conditions
    n_trials = n_classes * data.draw(st.integers(1, 3))
    n_bins = n_classes * data.draw(st.integers(1, 40))
    shown = sn.present(recording, kind, n_trials=n_trials, n_bins=n_bins, seed=3)
    stimuli = recording.to_dense().reshape(recording.n_nodes, -1)
    np.testing.assert_array_equal(shown.to_dense(), stimuli[:, shown.stimuli])
    np.testing.assert_array_equal(shown.conditions, recording.conditions.reshape(-1)[shown.stimuli])
    assert shown.kind == recording.kind
    assert shown.schedule == kind
    assert shown.provenance["seed"] == 3


def recording_of(rng, n_stimuli=90, **fields):
    dense = rng.random((7, 1, n_stimuli)) < rng.random((7, 1, 1))
    raster = sn.SpikeRaster.from_dense(dense, conditions=np.arange(n_stimuli) % 3)
    return sn.SpikeRaster(
        raster.data, n_stimuli, conditions=raster.conditions, bin_width=0.5, **fields
    )


@pytest.mark.parametrize("kind", KINDS)
def test_streamed_equals_memory_for_all_blocks(kind, rng, tmp_path, request):
    recording = recording_of(rng)
    shown = sn.present(recording, kind, n_trials=6, n_bins=66, seed=8)
    request.getfixturevalue("tiny_blocks")
    sn.write_raster(recording, tmp_path / "recording.h5")
    lazy = sn.read_raster(tmp_path / "recording.h5")
    streamed = sn.present(lazy, kind, n_trials=6, n_bins=66, seed=8, path=tmp_path / "shown.h5")
    assert sn.verify(tmp_path / "shown.h5") == (raster_digest(shown), True)
    np.testing.assert_array_equal(streamed.to_dense(), shown.to_dense())
    assert shown.bin_width == streamed.bin_width == 0.5


def test_labels_that_were_trained_on_become_the_conditions(rng):
    training = (np.arange(90) // 2) % 5
    recording = recording_of(rng, training_labels=training)
    shown = sn.present(recording, "blocked", n_trials=5, n_bins=20, seed=1, by="training-label")
    assert [set(trial) for trial in shown.conditions.tolist()] == [{k} for k in range(5)]
    np.testing.assert_array_equal(shown.conditions, training[shown.stimuli])
    np.testing.assert_array_equal(shown.conditions, shown.training_labels)


def test_stimuli_keep_their_numbers_through_two_presentations(rng):
    recording = recording_of(rng)
    once = sn.present(recording, "shuffled", n_trials=1, n_bins=90, seed=1)
    twice = sn.present(once, "sequential", n_trials=9, n_bins=10)
    np.testing.assert_array_equal(twice.stimuli.reshape(-1), once.stimuli[0])


def test_a_schedule_can_be_drawn_before_and_shared(rng):
    schedule = sn.make_schedule("shuffled", 90, 3, 30, seed=4)
    recording = recording_of(rng)
    shown = sn.present(recording, schedule)
    np.testing.assert_array_equal(shown.stimuli, schedule.order)
    with pytest.raises(sn.StochnetError, match="not among the 20"):
        sn.present(recording_of(rng, 20), schedule)


@pytest.mark.parametrize("window", [10, 30])
def test_shuffled_windows_that_partition_the_stimuli_have_the_exact_fano_factor(window, rng):
    """E[Fano] = (1 - p)·N/(N - 1): mean over 1,500 orders within 5 standard errors.

    A trial is one permutation of all stimuli. Fails by chance once in 100,000 seeds.
    """
    recording = recording_of(rng)
    p = recording.to_dense()[:, 0].mean(axis=1)
    shown = sn.present(recording, "shuffled", n_trials=1500, n_bins=90, seed=0)
    counts = naive.window_counts(shown.to_dense(), window).reshape(7, 1500, -1)
    fano = counts.var(axis=2, ddof=1) / counts.mean(axis=2)
    error = fano.std(axis=1, ddof=1) / np.sqrt(1500)
    assert (np.abs(fano.mean(axis=1) - (1 - p) * 90 / 89) < 5 * error + 1e-12).all()


def test_windows_that_hold_every_stimulus_do_not_vary(rng):
    shown = sn.present(recording_of(rng), "shuffled", n_trials=5, n_bins=90, seed=0)
    np.testing.assert_array_equal(sn.fano_factor(shown, 90), 0.0)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("random", {}, "schedule must be one of shuffled, blocked"),
        ("shuffled", {"n_trials": 0}, "n_trials must be a whole number from 1"),
        ("blocked", {"n_trials": 4}, "4 trials is no multiple of 3 classes; try 3"),
        ("stratified", {"n_bins": 5}, "5 bins is no multiple of 3 classes; try 6"),
        ("shuffled", {"n_bins": None}, "give n_trials and n_bins"),
        ("shuffled", {"seed": -1}, "seed must be"),
        ("shuffled", {"by": "colour"}, "by must be one of label, training-label"),
        ("shuffled", {"by": "training-label"}, "no training labels"),
    ],
)
def test_errors_say_what_to_do(kind, options, message, rng):
    with pytest.raises(sn.StochnetError, match=message):
        sn.present(recording_of(rng), kind, **({"n_trials": 3, "n_bins": 6} | options))


@pytest.mark.parametrize("kind", ["blocked", "stratified"])
def test_schedules_by_class_need_a_label_for_every_stimulus(kind):
    for labels, message in (
        (None, "needs the class label of every stimulus"),
        (np.array([0, 1, 0]), "needs the class label of every stimulus"),
        (np.array([0, 1, -1, 1]), "1 of 4 stimuli have no class label"),
    ):
        with pytest.raises(sn.StochnetError, match=message):
            sn.make_schedule(kind, 4, 2, 2, labels=labels)
