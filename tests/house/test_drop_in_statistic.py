"""A new compared statistic is one new file in stochnet/validation/compared: done in a copy."""

import json
import textwrap

import pytest

from tests.support.package_copy import COMMAND_LINE, copy_with

EMPTY = '''
    """The share of windows in which a node is silent."""

    from __future__ import annotations

    from stochnet.validation.kinds.node_statistic import NodeStatistic
    from stochnet.validation.kinds.statistic import Array
    from stochnet.validation.sums.totals import Totals


    def silent(totals: Totals, window: int) -> Array:
        """Windows without any spike, as a part of all."""
        found: Array = totals.windows_at_most[window][0] / totals.n_windows(window)
        return found


    STATISTICS = (
        NodeStatistic(
            name="silent_windows",
            label="silent windows",
            plural="Shares of silent windows",
            order=35,
            available=lambda matched: bool(matched.windows),
            needs="two windows in both",
            sums="windows_at_most",
            values=silent,
            windowed=True,
            follows_from=("firing_rate",),
        ),
    )
'''

LOOP = """
    import numpy as np
    import stochnet as sn

    rng = np.random.default_rng(0)
    bursts = np.repeat(rng.random((30, 40, 10)) < 0.3, 10, axis=2)
    observed = sn.SpikeRaster.from_dense(bursts & (rng.random(bursts.shape) < 0.7))
    sn.write_raster(observed, "observed.h5")
    sn.write_raster(sn.simulate(sn.fit_bundle(observed, "bernoulli"), seed=1), "simulated.h5")
"""


@pytest.mark.slow
def test_one_file_is_compared_reported_drawn_and_chosen(tmp_path):
    run = copy_with(tmp_path, "validation/compared/silent_windows.py", EMPTY)
    run("-c", textwrap.dedent(LOOP))
    validate = ("-c", COMMAND_LINE, "validate", "observed.h5", "simulated.h5", "-q")
    found = run(*validate, "--json", "all.json", "-o", "all.html")
    assert "silent windows (10 bins)" in found
    report = json.loads((tmp_path / "all.json").read_text(encoding="utf-8"))
    labels = [one["label"] for one in report["statistics"]]
    place = labels.index("silent windows (10 bins)")
    assert labels[place - 1] == "law of window counts (100 bins)"
    one = report["statistics"][place]
    assert (one["statistic"], one["window"], one["verdict"]) == ("silent_windows", 10, "differs")
    assert one["observed"]["mean"] > one["simulated"]["mean"]
    assert one["quality"] is not None
    sentences = [finding["sentence"] for finding in report["findings"]]
    assert any(x.startswith("Shares of silent windows (10 bins) in the network") for x in sentences)
    assert "silent windows (10 bins)" in (tmp_path / "all.html").read_text(encoding="utf-8")
    # Alone, also by workers.
    run(*validate, "--statistic", "silent_windows", "--workers", "2", "--json", "some.json")
    chosen = json.loads((tmp_path / "some.json").read_text(encoding="utf-8"))
    assert {row["statistic"] for row in chosen["statistics"]} == {"silent_windows"}
    assert chosen["statistics"][0]["distances"][0]["value"] == one["distances"][0]["value"]
