"""Whatever is given to `record`: a `StochnetError`, or a recording, and nothing else."""

import inspect
import warnings

import numpy as np
import pytest
import torch

import stochnet as sn
from tests.house.test_entrance import OBJECTS, _folder_of_its_own  # noqa: F401

NETWORK = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 3), torch.nn.ReLU())
GOOD = {
    "model": NETWORK,
    "images": np.zeros((5, 2, 2), np.uint8),
    "labels": [0, 1, 0, 1, 1],
    "threshold": 0.0,
    "batch_size": 2,
}
TENSORS = [torch.ones(2, requires_grad=True), torch.ones((5, 2, 2), requires_grad=True)]
CALLS = [
    (function, argument)
    for function in (sn.record, sn.record_summary)
    for argument in inspect.signature(function).parameters
]


@pytest.mark.parametrize(("function", "argument"), CALLS)
@pytest.mark.usefixtures("_folder_of_its_own")
def test_any_object_is_refused_in_one_line_or_gives_a_recording(function, argument):
    for value in [*OBJECTS, *TENSORS, NETWORK]:
        if argument == "progress" and callable(value):
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                function(**{**GOOD, argument: value})
        except sn.StochnetError:
            continue


def test_tensors_with_a_gradient_are_taken_by_their_values():
    dense = torch.tensor([[[0.0, 1.0], [1.0, 0.0]]], requires_grad=True)
    np.testing.assert_array_equal(sn.SpikeRaster.from_dense(dense).to_dense(), dense.detach())
    times = [torch.tensor([0.1, 0.3], requires_grad=True)]
    raster = sn.SpikeRaster.from_spike_times(times, bin_width=0.1, n_bins=4)
    assert raster.to_dense()[0, 0].tolist() == [0, 1, 0, 1]
    rate = torch.tensor([0.25], requires_grad=True)
    bundle = sn.Bundle.from_params("poisson", {"rate": rate})
    assert bundle.fits[0].params["rate"].tolist() == [0.25]
    with pytest.raises(sn.StochnetError, match="a tensor that NumPy does not take"):
        sn.Bundle.from_params("poisson", {"rate": torch.ones(2, dtype=torch.bfloat16)})
