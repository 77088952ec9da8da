"""A new part of a summary is one new file in its folder, and nothing else: done in a copy."""

import shutil
import textwrap

import pytest

from stochnet.errors import InvalidInputError
from stochnet.statistics.summary.parts import discover
from tests.support import ROOT
from tests.support.package_copy import COMMAND_LINE, copy_with

PARITY = '''
    """Parity: spikes in the even and in the odd bins of a trial."""

    from __future__ import annotations

    import numpy as np

    from stochnet.raster.packing import unpack
    from stochnet.statistics.counting import Words
    from stochnet.statistics.summary.summary_part import Field, Fields, Part, RowLayout
    from stochnet.statistics.summary.sparse import Rows
    from stochnet.statistics.summary.trials import NodeBlock, Trials
    from stochnet.statistics.summary.word_run import Step, Stream, WordRun


    def compute(block: NodeBlock) -> list[Fields]:
        """Count spikes by condition and parity."""
        trials, dense = block.trials, block.raster.to_dense().astype(np.int64)
        labels = np.zeros(dense.shape[1:], int) if trials.labels is None else trials.labels
        odd = np.arange(trials.n_bins) % 2
        return [
            {"parity": np.stack([(dense * ((labels == c) & (odd == k))).sum(axis=(1, 2))
                                 for k in (0, 1)], axis=1)}
            for c in range(trials.n_conditions)
        ]


    def stream(trials: Trials, layout: RowLayout, n_nodes: int) -> Stream:
        """Carry nothing."""
        labels = None if trials.labels is None else trials.labels.reshape(-1)

        def plan(run: WordRun) -> Step:
            bins = np.arange(run.begin, run.end)
            column = bins % trials.n_bins % 2
            if labels is not None:
                mine = labels[run.begin : run.end]
                column = np.where(mine < 0, -1, 2 * mine + column)

            def step(words: Words, nodes: slice, rows: Rows) -> None:
                bits = unpack(words, len(bins))
                for k in range(rows.shape[1]):
                    rows[:, k] += bits[:, column == k].sum(axis=1, dtype=np.int64)

            return step

        return plan


    PART = Part(
        "parity",
        (Field("parity", np.int64, (2,), lambda layout, c: (2,)),),
        compute,
        stream,
    )
'''

# A process that needs the part, fitted to a raster, to its summary and to its file.
FITTED = """
    from dataclasses import replace

    import numpy as np
    import stochnet as sn
    from stochnet.process import Estimate, first_flags
    from stochnet.statistics.summary.stored_reader import reader_of

    def estimate(summary):
        even = summary.parity[:, 0] / summary.n_bins
        return Estimate({"p": even}, {"p": np.zeros(len(even))}, first_flags(summary))

    plain = sn.PROCESSES["bernoulli"]
    halves = replace(plain, name="halves", estimate=estimate, needs=frozenset({"parity"}))
    bundle = sn.Bundle.from_params("bernoulli", {"p": np.linspace(0, 0.9, 7)})
    raster = sn.simulate(bundle, 5, 70, seed=1)
    even = raster.to_dense()[:, :, ::2].sum(axis=(1, 2)) / 350
    sink = sn.SummarySink(parts=["parity"])
    sn.simulate(bundle, 5, 70, seed=1, sink=sink)
    sn.write_raster(raster, "raster.h5")
    sn.write_summary(sink.summary, "summary.h5")
    for source in (raster, sink.summary, sn.read_summary("summary.h5")):
        np.testing.assert_array_equal(sn.fit(source, halves).params["p"], even)
    try:
        sn.fit(sn.RasterSummary.of(raster), halves)
    except sn.StochnetError as error:
        assert "--part parity" in str(error), error
    else:
        raise SystemExit("kept by default")
"""


@pytest.mark.slow
def test_one_file_is_computed_kept_stored_streamed_fitted_and_offered(tmp_path):
    run = copy_with(tmp_path, "statistics/summary/parts/parity.py", PARITY)
    run("-c", textwrap.dedent(FITTED))
    made = ("summarize", "raster.h5", "--part", "parity", "-o", "again.h5")
    run("-c", COMMAND_LINE, *made)
    run("-c", COMMAND_LINE, "verify", "again.h5")
    assert "totals, parity" in run("-c", COMMAND_LINE, "info", "again.h5")
    assert "parity" in run("-c", COMMAND_LINE, "summarize", "--help")
    # Tests that run over all parts there are: from memory, from rows, and from any words.
    tests = ("without_loss", "any_cut", "blocks_of_one_node", "some_nodes")
    tested = run("-m", "pytest", "tests/statistics/summary", "-k", " or ".join(tests))
    assert "4 passed" in tested


TWICE = """
from dataclasses import replace
from {parts}.gaps import PART as gaps
PART = replace(gaps, name="twice")
"""
REFUSED = {
    "without": ("GAPS = 1", r"without must end with PART = Part\('without'"),
    "renamed": ("from {parts}.gaps import PART", r"renamed must end with PART = Part\('renamed'"),
    "twice": (TWICE, "the field 'gaps' is taken"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_without_a_part_of_its_own_is_refused(name, tmp_path, monkeypatch):
    source, message = REFUSED[name]
    parts = "stochnet.statistics.summary.parts"
    (tmp_path / f"{name}.py").write_text(source.format(parts=parts), encoding="utf-8")
    shutil.copy(ROOT / "stochnet" / "statistics" / "summary" / "parts" / "gaps.py", tmp_path)
    monkeypatch.setattr(f"{parts}.__path__", [str(tmp_path)])
    with pytest.raises(InvalidInputError, match=message):
        discover([str(tmp_path)], parts)
