"""Schedules by class of recordings in which some stimuli have none."""

import numpy as np
import pytest

import stochnet as sn

LABELS = [0, -1, 1, 0, 1, -1]
RECORDING = sn.SpikeRaster.from_dense(np.eye(6, dtype=int)[:, None], conditions=LABELS)


@pytest.mark.parametrize("kind", ["blocked", "stratified"])
def test_stimuli_without_a_class_are_omitted_on_demand(kind):
    with pytest.raises(sn.StochnetError, match=r"2 of 6 stimuli have no class.*unlabelled='omit'"):
        sn.present(RECORDING, kind, n_trials=4, n_bins=2, seed=1)
    shown = sn.present(RECORDING, kind, n_trials=4, n_bins=2, seed=1, unlabelled="omit")
    assert set(shown.stimuli.ravel().tolist()) == {0, 2, 3, 4}
    assert shown.provenance["omitted"] == 2
    assert (shown.conditions >= 0).all()


def test_schedules_that_do_not_go_by_class_show_all():
    shown = sn.present(RECORDING, "shuffled", n_trials=1, n_bins=6, seed=1)
    assert sorted(shown.conditions.ravel().tolist()) == sorted(LABELS)


def test_a_recording_without_any_label_has_no_classes():
    bare = sn.SpikeRaster.from_dense([[[0, 1]]], conditions=[-1, -1])
    with pytest.raises(sn.StochnetError, match="needs the class label of every stimulus"):
        sn.present(bare, "blocked", n_trials=1, n_bins=1, unlabelled="omit")
