"""A network recorded as a summary: the summary of its recording, with no spike kept."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import stochnet as sn
from stochnet.errors import InvalidInputError, RecordingError
from stochnet.recording.networks import summarizer
from stochnet.storage import bundle_digest, summary_digest

N = 260
IMAGES = np.random.default_rng(1).integers(0, 256, (N, 6, 6)).astype(np.uint8)
LABELS = np.random.default_rng(2).permutation(np.arange(N) % 4)
OTHERS = np.random.default_rng(3).permutation(np.arange(N) % 5)


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """Threads of torch wait for each other longer than these small networks run."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def network():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return nn.Sequential(
            nn.Flatten(), nn.Linear(36, 20), nn.ReLU(), nn.Linear(20, 7), nn.ReLU()
        )


@pytest.fixture(scope="module")
def recording():
    return sn.record(network(), IMAGES, LABELS, training_labels=OTHERS)


@settings(max_examples=20)
@given(data=st.data())
def test_any_batch_and_window_give_the_summary_of_what_is_presented(recording, data):
    kind = data.draw(st.sampled_from([None, "sequential", "shuffled", "blocked", "stratified"]))
    by = data.draw(st.sampled_from(["label", "training-label"]))
    # Multiples of 4 and 5 classes.
    n_trials, n_bins = 20 * data.draw(st.integers(1, 2)), 20 * data.draw(st.integers(1, 3))
    options = {} if kind is None else {"n_trials": n_trials, "n_bins": n_bins, "by": by}
    shown = recording if kind is None else sn.present(recording, kind, seed=5, **options)
    window = data.draw(st.one_of(st.none(), st.integers(1, shown.n_bins)))
    per_condition = data.draw(st.booleans())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(summarizer, "WORDS_AT_ONCE", data.draw(st.integers(1, 9)))
        found = sn.record_summary(
            network(), IMAGES, LABELS, training_labels=OTHERS, window=window,
            per_condition=per_condition, schedule=kind, schedule_seed=None if kind is None else 5,
            batch_size=data.draw(st.integers(2, 300)), buffer_bytes=1, **options,
        )  # fmt: skip
    expected = sn.RasterSummary.of(shown, window=window, per_condition=per_condition)
    assert summary_digest(found) == summary_digest(expected)
    facts = {"created", "batch_size", "time"}
    assert set(found.provenance) - facts == set(shown.provenance) - facts


def test_tensors_and_a_schedule_drawn_before_are_taken(recording):
    plan = sn.make_schedule("blocked", N, 8, 30, labels=LABELS, seed=2)
    images = torch.from_numpy(IMAGES)[:, None]
    found = sn.record_summary(network(), images, LABELS, schedule=plan, window=10)
    expected = sn.RasterSummary.of(sn.present(recording, plan), window=10)
    assert summary_digest(found) == summary_digest(expected)


def test_a_fit_of_the_network_needs_no_spikes(recording, tmp_path):
    shown = sn.present(recording, "blocked", n_trials=40, n_bins=50, seed=5)
    summary = sn.record_summary(
        network(), IMAGES, LABELS, schedule="blocked", n_trials=40, n_bins=50, schedule_seed=5,
        window=25,
    )  # fmt: skip
    sn.write_summary(summary, tmp_path / "s.h5")
    options = {"processes": ["bernoulli", "beta_bernoulli", "markov"], "window": 25}
    found = sn.fit_bundle(sn.read_summary(tmp_path / "s.h5"), **options)
    expected = sn.fit_bundle(shown, **options)
    assert bundle_digest(found) == bundle_digest(expected)
    assert found.schedule == "blocked"


def test_what_cannot_be_summarised_is_refused_before_the_network_runs():
    class Untouched(nn.Module):
        def forward(self, _images):
            raise RuntimeError("ran")

    for options, message in [
        ({"window": N + 1}, f"a window must be 1 to {N} bins"),
        ({"parts": ["spikes"]}, "parts are ages"),
        ({"n_trials": 3}, "need a schedule"),
        ({"schedule": "shuffled", "n_trials": 3}, "give n_trials and n_bins"),
        ({"schedule": "sorted", "n_trials": 3, "n_bins": 4}, "schedule must be one of"),
        ({"schedule": "blocked", "n_trials": 3, "n_bins": 4}, "no multiple of 4 classes"),
        ({"schedule": "shuffled", "n_trials": 3, "n_bins": 4, "by": "name"}, "by must be one of"),
        ({"schedule": sn.Schedule("shuffled", np.full((2, 2), N), 0)}, "names stimuli that"),
    ]:
        with pytest.raises(InvalidInputError, match=message):
            sn.record_summary(Untouched(), IMAGES, LABELS, **options)
    with pytest.raises(InvalidInputError, match="no conditions"):
        sn.record_summary(network(), IMAGES, per_condition=True)
    with pytest.raises(RecordingError):
        sn.record_summary(Untouched(), IMAGES, LABELS)
