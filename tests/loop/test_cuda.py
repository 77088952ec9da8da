"""The target "cuda": the same spikes as the CPU's, in Numba's simulator and on a GPU."""

import ast
import inspect
import subprocess
import sys

import numpy as np
import pytest
from numba import cuda

import stochnet as sn
from stochnet.cli import main
from stochnet.errors import InvalidInputError
from stochnet.kernels.cuda import device
from tests.support import ROOT, cuda_cases

needs_gpu = pytest.mark.skipif(not cuda.is_available(), reason="needs an NVIDIA GPU")


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """All cases, drawn in the simulator."""
    path = tmp_path_factory.mktemp("cuda") / "drawn.npz"
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.cuda_cases", str(path)],
        check=False, capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return np.load(path)


def test_the_simulator_draws_the_spikes_of_the_cpu(simulated):
    expected = dict(cuda_cases.drawn("cpu"))
    assert len(expected) == 6 * (2 * len(sn.PROCESSES) + 3)
    assert sum(data.any() for data in expected.values()) > len(expected) / 2
    for name, data in expected.items():
        assert simulated[name].dtype == data.dtype
        np.testing.assert_array_equal(simulated[name], data, err_msg=name)
    for name in ("into device memory", "node by node"):
        np.testing.assert_array_equal(simulated[name], expected["ends, 130 bins"], err_msg=name)


@pytest.mark.gpu
@needs_gpu
def test_a_gpu_draws_the_spikes_of_the_cpu():
    for (name, expected), (_, found) in zip(
        cuda_cases.drawn("cpu"), cuda_cases.drawn("cuda"), strict=True
    ):
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected, err_msg=name)
    expected = dict(cuda_cases.drawn("cpu"))["ends, 130 bins"]
    for name, found in cuda_cases.drawn_otherwise(cuda, device):
        np.testing.assert_array_equal(found, expected, err_msg=name)


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("name", sorted(sn.PROCESSES))
def test_a_gpu_draws_large_networks_as_the_cpu(name, monkeypatch):
    """Thousands of nodes in several blocks; a million bins and more."""
    monkeypatch.setattr("stochnet.raster.blocks.BLOCK_BYTES", 1 << 20)
    params = cuda_cases.typical(sn.PROCESSES[name], (3000,))
    bundle = sn.Bundle.from_params(name, params, window=100)
    for n_trials, n_bins in [(1, 3333), (70, 50)]:
        cpu = sn.simulate(bundle, n_trials, n_bins, seed=9)
        gpu = sn.simulate(bundle, n_trials, n_bins, seed=9, target="cuda")
        np.testing.assert_array_equal(gpu.data, cpu.data)


def test_no_step_adds_a_product():
    """A GPU rounds such a sum once and a CPU twice; all else that steps do is the same on both."""
    steps = [p.sampler for p in sn.PROCESSES.values() if hasattr(p.sampler, "step")]
    assert steps
    for function in [f for sampler in steps for f in (sampler.init, sampler.step)]:
        for node in ast.walk(ast.parse(inspect.getsource(function))):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
                sides = [side for side in (node.left, node.right) if isinstance(side, ast.BinOp)]
                assert not any(isinstance(side.op, ast.Mult) for side in sides), function


def bundle():
    return sn.Bundle.from_params("bernoulli", {"p": [0.5]})


def test_without_a_gpu_the_error_says_what_to_do(monkeypatch, tmp_path, capfd):
    monkeypatch.setattr(cuda, "is_available", lambda: False)
    with pytest.raises(InvalidInputError, match=r"stochnet\[gpu\].*target 'cpu'") as caught:
        sn.simulate(bundle(), 1, 10, target="cuda", path=tmp_path / "x.h5")
    assert "\n" not in str(caught.value)
    sn.write_bundle(bundle(), tmp_path / "b.h5")
    words = ("simulate", "b.h5", "--bins", "9", "--trials", "2", "--target", "cuda", "-o", "x.h5")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["stochnet", *words])
    with pytest.raises(SystemExit) as stop:
        main()
    said = capfd.readouterr()
    assert stop.value.code == 2
    assert said.out == ""
    assert len(said.err.strip().splitlines()) == 1
    assert "NVIDIA GPU" in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["b.h5"]


def test_without_numba_cuda_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "stochnet.kernels.cuda", None)
    with pytest.raises(InvalidInputError, match=r"pip install 'stochnet\[gpu\]'"):
        sn.simulate(bundle(), 1, 10, target="cuda")


@pytest.mark.parametrize("target", ["gpu", "CUDA", "", None])
def test_other_targets_are_refused_by_name(target):
    with pytest.raises(InvalidInputError, match="target must be one of cpu, cuda"):
        sn.simulate(bundle(), 1, 10, target=target)


def test_nothing_of_cuda_is_imported_for_the_cpu():
    code = (
        "import sys, stochnet as sn; sn.simulate(sn.Bundle.from_params('bernoulli', {'p': [0.5]}), "
        "1, 9); print('stochnet.kernels.cuda' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.split() == ["False"]
