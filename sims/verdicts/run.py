"""How often is a true surrogate found indistinguishable, and a planted change found and named?

stochnet study sims/verdicts --scale smoke|full
"""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import stochnet as sn

from . import nulls, tables, truths


def cells(config: dict[str, Any]) -> list[dict[str, Any]]:
    """Return every repetition of every situation, and batches of draws of one truth."""
    found = nulls.cells(config)
    for kind in ("size", "power"):
        for situation in config[kind]:
            how_often = (
                "planted" if kind == "power" else "main" if situation.get("main") else "others"
            )
            found += [
                {"kind": kind, "situation": title(kind, situation), "repetition": k}
                for k in range(config["grid"][how_often][0])
            ]
    return found


def cell(cell: dict[str, Any], config: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Validate one surrogate, or a batch of them."""
    kind = cell["kind"]
    if kind in nulls.KINDS:
        return {kind: nulls.KINDS[kind](cell, config)}
    situation = next(x for x in config[kind] if title(kind, x) == cell["situation"])
    report = (size if kind == "size" else power)(situation, cell["repetition"], config)
    return {"verdicts": [row(kind, report, situation)]}


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


def row(kind: str, report: Any, situation: dict[str, Any]) -> dict[str, Any]:
    """Return what the verdict was, and whether it named first what was planted."""
    first = report.findings[0].label if report.findings else ""
    named = kind == "power" and first in situation["names"]
    if named and situation["change"] == "rates":
        named = report.findings[0].scope == "relu2"
    if named and situation["change"] == "classes":
        named = "0 and 1" in report.verdict
    return {
        "indistinguishable": int(report.passed),
        "named": int(named),
        "differing": "; ".join(f"{x.label} ({x.scope or 'network'})" for x in report.findings),
    }


def finish(results: Path, config: dict[str, Any]) -> None:
    """Write the share of every situation with its 95 % interval (Wilson)."""
    nulls.finish(results)
    with (results / "verdicts.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with (results / "summary.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["kind", "situation", "repetitions", "share", "low", "high"])
        for kind, name in dict.fromkeys((r["kind"], r["situation"]) for r in rows):
            mine = [r for r in rows if (r["kind"], r["situation"]) == (kind, name)]
            column = "indistinguishable" if kind == "size" else "named"
            right, n = sum(int(r[column]) for r in mine), len(mine)
            ends = [f"{x:.3f}" for x in (right / n, *tables.interval(right, n))]
            writer.writerow([kind, name, n, *ends])
