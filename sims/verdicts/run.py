"""Run the study of verdicts: python sims/verdicts/run.py [--scale smoke|full] [-o DIR]."""

from __future__ import annotations

import argparse
import csv
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import truths  # noqa: E402

import stochnet as sn  # noqa: E402
from stochnet.kernels.threads import limited  # noqa: E402

FIELDS = ("kind", "situation", "repetition", "indistinguishable", "named", "differing")


def main(arguments: Sequence[str] | None = None) -> Path:
    """Run all repetitions that are not there yet, and sum them up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", choices=("smoke", "full"), default="full")
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--only", help="one situation")
    parser.add_argument("--repetitions", type=int, help="of each situation, instead of all")
    given = parser.parse_args(arguments)
    config = tomllib.loads((HERE / "config.toml").read_text(encoding="utf-8"))
    folder = given.output or HERE / ("results" if given.scale == "full" else "results-smoke")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "verdicts.csv"
    done = _read(path)
    scale = config["scales"][given.scale]
    jobs = [
        ("size", s, scale["repetitions" if s.get("main") else "others"]) for s in config["size"]
    ]
    jobs += [("power", s, scale["planted"]) for s in config["power"]]
    with limited(1):
        for kind, situation, repetitions in jobs:
            name = title(kind, situation)
            if given.only not in (None, name):
                continue
            for k in range(min(repetitions, given.repetitions or repetitions)):
                if (kind, name, str(k)) in done:
                    continue
                report = (size if kind == "size" else power)(situation, k, config)
                _append(path, _row(kind, name, k, report, situation))
            print(f"{kind} {name}: done", flush=True)
    summary(path, folder / "summary.csv")
    return folder


def title(kind: str, situation: dict[str, Any]) -> str:
    """Return the name of a situation."""
    if kind == "power":
        return str(situation["change"])
    made = "per class" if situation["per_condition"] else "pooled"
    return f"{situation['process']} {made}, {situation['how']}"


def size(situation: dict[str, Any], k: int, config: dict[str, Any]) -> Any:
    """Validate a surrogate of the true process."""
    name, by_class = situation["process"], situation["per_condition"]
    if "seeds" in situation:
        # Another truth for every hundred.
        config, k = {**config, "seed": situation["seeds"][k // 100]}, k % 100
    true = truths.bundle(name, truths.parameters(name, by_class, config), config)
    n_fitted, n_judged = config["fitted_trials"], config["judged_trials"]
    recording = sn.simulate(true, seed=_seed(config, k, 0))
    judged = recording.trials(slice(n_fitted, None))
    model = true
    if situation["how"] != "drawn":
        training = judged if situation["how"] == "same" else recording.trials(slice(0, n_fitted))
        model = sn.fit_bundle(training, name, per_condition=by_class)
    drawn = sn.simulate(model, n_judged, seed=_seed(config, k, 1), conditions=judged.conditions)
    return sn.validate(judged, drawn, windows=(10, config["bins"]))


def power(situation: dict[str, Any], k: int, config: dict[str, Any]) -> Any:
    """Validate a surrogate in which something is changed."""
    change, labels = situation["change"], truths.conditions(config, config["judged_trials"])
    by_class = change != "fano"
    name = "beta_bernoulli" if change == "fano" else "bernoulli"
    params = truths.parameters(name, by_class, config)
    seeds = _seed(config, k, 2), _seed(config, k, 3)

    def draw(params: dict[str, np.ndarray], seed: int) -> Any:
        model = truths.bundle(name, params, config)
        return sn.simulate(model, config["judged_trials"], seed=seed, conditions=labels)

    changed = {key: value.copy() for key, value in params.items()}
    if change == "rates":
        last = slice(config["nodes"][0], None)
        changed["p"][last] = np.clip(changed["p"][last] * 1.05, 0, 0.999)
    elif change == "fano":
        # Fano = (1 - p)(1 + (W - 1) rho): 1.2 times as much in the windows of a trial.
        reach = config["bins"] - 1
        changed["rho"] = (1.2 * (1 + reach * params["rho"]) - 1) / reach
    elif change == "classes":
        changed["p"] = changed["p"][:, [1, 0, *range(2, config["classes"])]]
    elif change == "correlations":
        observed = truths.correlated(params["p"], config, seeds[0])
        alone = replace(draw(params, seeds[1]), schedule="blocked")
        return sn.validate(observed, alone, windows=(10, config["bins"]))
    drawn = draw(params, seeds[0]), draw(changed, seeds[1])
    return sn.validate(*drawn, windows=(10, config["bins"]))


def _seed(config: dict[str, Any], k: int, which: int) -> int:
    return int(np.random.SeedSequence((config["seed"], k, which)).generate_state(1)[0])


def _row(kind: str, name: str, k: int, report: Any, situation: dict[str, Any]) -> dict[str, Any]:
    first = report.findings[0].label if report.findings else ""
    named = kind == "power" and first in situation["names"]
    if named and situation["change"] == "rates":
        named = report.findings[0].scope == "relu2"
    if named and situation["change"] == "classes":
        named = "0 and 1" in report.verdict
    return {
        "kind": kind,
        "situation": name,
        "repetition": k,
        "indistinguishable": int(report.passed),
        "named": int(named),
        "differing": "; ".join(f"{x.label} ({x.scope or 'network'})" for x in report.findings),
    }


def _read(path: Path) -> set[tuple[str, str, str]]:
    if not path.exists():
        return set()
    with path.open(newline="", encoding="utf-8") as file:
        return {(r["kind"], r["situation"], r["repetition"]) for r in csv.DictReader(file)}


def _append(path: Path, row: dict[str, Any]) -> None:
    fresh = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, FIELDS)
        if fresh:
            writer.writeheader()
        writer.writerow(row)


def summary(rows_of: Path, path: Path) -> None:
    """Write the share of every situation with its 95 % interval (Wilson)."""
    with rows_of.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["kind", "situation", "repetitions", "share", "low", "high"])
        for kind, name in dict.fromkeys((r["kind"], r["situation"]) for r in rows):
            mine = [r for r in rows if (r["kind"], r["situation"]) == (kind, name)]
            column = "indistinguishable" if kind == "size" else "named"
            share, n, z = sum(int(r[column]) for r in mine) / len(mine), len(mine), 1.96
            middle = (share + z * z / (2 * n)) / (1 + z * z / n)
            half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
            ends = [f"{x:.3f}" for x in (share, middle - half, middle + half)]
            writer.writerow([kind, name, n, *ends])


if __name__ == "__main__":
    main()
