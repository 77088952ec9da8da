"""Studies whose smallest scale is run whole, against what their published runs found."""

import pytest

import stochnet as sn
from tests.support.studies import SIMS, read

pytestmark = pytest.mark.slow


@pytest.fixture
def run(tmp_path):
    """Return a function that runs the smallest scale of a study, and reads one of its tables."""

    def run(study, table):
        result = sn.run_study(SIMS / study, scale="smoke", output=tmp_path)
        assert result.complete, result.failures
        return read(tmp_path / f"{table}.csv")

    return run


def test_verdicts_name_what_was_planted(run, tmp_path):
    rows = run("verdicts", "verdicts")
    planted = [row for row in rows if row["kind"] == "power"]
    # In the published run 160 of 160 were named; the seeds are those of its first repetitions.
    assert [row["named"] for row in planted] == ["1"] * 4
    shares = read(tmp_path / "summary.csv")
    assert sum(int(row["repetitions"]) for row in shares) == len(rows)


def test_the_leaderboard_has_the_published_numbers(run):
    rows = run("leaderboard", "measures")
    published = read(SIMS / "leaderboard" / "results" / "full" / "measures.csv")
    key = ("suite", "entrant", "quantity", "cell")
    known = {tuple(row[name] for name in key): row for row in published}
    assert {row["suite"] for row in rows} == {"rates"}
    for row in rows:
        assert row == known[tuple(row[name] for name in key)]


def test_shuffled_nodes_keep_the_assumptions_and_blocked_ones_do_not(run, tmp_path):
    rows = [row for row in run("assumptions", "nodes") if row["layer"] == "network"]
    shares = {
        schedule: [float(row["fraction"]) for row in rows
                   if (row["schedule"], row["test"]) == (schedule, "all tests")]
        for schedule in ("shuffled", "blocked")
    }  # fmt: skip
    # The level of a test is a false discovery rate of 5 %; the seed is fixed.
    assert min(shares["shuffled"]) > 0.95
    assert max(shares["blocked"]) < 0.6
    assert (tmp_path / "passing.png").exists()


def test_resampled_layers_have_the_rates_of_the_recorded_ones(run, tmp_path):
    rows = run("resampling", "distances")
    for row in rows:
        assert int(row["n_nodes"]) == round(int(row["n_observed"]) * float(row["factor"]))
        if row["law"] == "empirical":
            assert float(row["rate_distance"]) <= float(row["rate_floor"])
    assert (tmp_path / "table.md").read_text().count("\n") == 2 + len(rows)


def test_latents_bring_surrogates_nearer_to_stimuli_held_out(run, tmp_path):
    without, shared = run("correlated", "networks")
    assert (without["rank"], shared["rank"]) == ("0", "8")
    assert float(shared["noise_r"]) > 0.5 > 0.1 > float(without["noise_r"])
    assert (tmp_path / "table.md").exists()
