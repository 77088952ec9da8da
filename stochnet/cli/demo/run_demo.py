"""The whole loop on real digits: train, record, present, fit, simulate, validate, report."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from stochnet import recording
from stochnet.cli.demo.findings import Row, findings, regime_rows
from stochnet.cli.demo.parts import DemoResult, Model, Regime, Shown, Surrogate
from stochnet.errors import InvalidInputError
from stochnet.errors.publishing.publish import publish_text
from stochnet.estimation.fit import fit_bundle
from stochnet.kernels.threads import Progress
from stochnet.raster.raster import SpikeRaster
from stochnet.recording.schedule import present
from stochnet.report import check_page
from stochnet.simulation.simulate import simulate
from stochnet.storage import write_bundle, write_raster
from stochnet.validation.validate import validate

__all__ = ["DemoResult", "run_demo"]

ARCHITECTURE = "mlp"
DATA = "mnist-5k"
LONGEST_TRIAL = 25
FEWEST_TRIALS = 4


REGIMES = (("true", "true labels"), ("random", "random labels"))
ONE_RATE = Model("one-rate", "one rate per node", "bernoulli", False)
CLASS_RATES = Model("class-rates", "one rate per class", "bernoulli", True)
BY_AIC = Model("aic", "laws chosen by AIC", "auto", False)
CORRELATED = Model("latents", "one rate per class and 16 latents", "bernoulli", True, 16)
MODELS = {"shuffled": (ONE_RATE,), "blocked": (ONE_RATE, BY_AIC, CLASS_RATES, CORRELATED)}
WITH_PAGE = (CLASS_RATES, CORRELATED)


def run_demo(
    folder: str | os.PathLike[str],
    *,
    progress: Progress | None = None,
    seed: int = 1,
    epochs: int = 150,
    limit: int | None = None,
) -> DemoResult:
    """Run the whole loop on the digits that come with stochnet, and write a report.

    A network is trained on true and, from the same initial weights, on random labels until it knows
    them all; a third copy keeps its initial weights. All three are recorded on the training images
    and shown them shuffled and class by class. Surrogates are fitted to three quarters of the
    trials and judged on the rest.

    Parameters
    ----------
    folder : path-like
        Where report, tables, networks, recordings, bundles and validations go.
    progress : callable, optional
        Called with (what, done, total).
    seed : int, default 1
        Decides initial weights, random labels, schedules and surrogates.
    epochs : int, default 150
        At most so many; training ends when every label is right.
    limit : int, optional
        Only the first images, for a quick look.

    Raises
    ------
    InvalidInputError
        The folder cannot be made, or there are too few images of a class.
    MissingExtraError
        torch, matplotlib or jinja2 is not installed.
    """
    check_page()
    target = _folders(Path(folder))
    say = progress or _nothing
    regimes = _regimes(target, seed, epochs, limit, progress)
    n_bins, per_class = _sizes(regimes)
    shown = tuple(_present(target, regimes, n_bins, per_class, seed))
    windows = (10, n_bins) if n_bins > 10 else (n_bins,)
    rows: list[Row] = []
    for k, one in enumerate(shown):
        say("statistics", k, len(shown))
        rows += regime_rows(one, windows)
    say("statistics", len(shown), len(shown))
    wanted = [(one, model) for one in shown if one.by == "label" for model in MODELS[one.schedule]]
    surrogates = []
    for k, (one, model) in enumerate(wanted):
        say(f"fit, simulate, validate: {one.file}, {model.name}", k, len(wanted))
        surrogates.append(_surrogate(target, one, model, windows, seed))
    say("fit, simulate, validate", len(wanted), len(wanted))
    result = DemoResult(
        target,
        target / "report.html",
        findings(rows, surrogates, windows[-1]),
        tuple(rows),
        windows,
        shown[0].raster.n_trials,
        n_bins,
        _n_fitted(shown[0].raster),
        regimes,
        shown,
        tuple(surrogates),
    )
    _write_tables(result)
    say("report", 0, 1)
    from stochnet.cli.demo.demo_page import write

    write(result, result.report)
    say("report", 1, 1)
    return result


def _nothing(what: str, done: int, total: int) -> None:
    """Tell nobody."""


def _folders(target: Path) -> Path:
    try:
        for name in ("networks", "recordings", "bundles", "validation"):
            (target / name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInputError(f"the folder {target} cannot be made: {error}") from error
    return target


def _regimes(
    target: Path, seed: int, epochs: int, limit: int | None, progress: Progress | None
) -> tuple[Regime, ...]:
    from stochnet.recording.networks.training.train import torch_threads

    digits = recording.load_dataset(DATA, "train").first(limit)
    unseen = recording.load_dataset(DATA, "test")
    say = progress or _nothing

    def regime(key: str, name: str, labels: str | None) -> Regime:
        network = recording.build_model(
            ARCHITECTURE, digits.image_shape, digits.n_classes, seed=seed
        )
        done = None
        if labels is not None:
            done = recording.train(
                network,
                digits.images,
                digits.labels,
                labels_mode=labels,
                epochs=epochs,
                seed=seed,
                test=(unseen.images, unseen.labels),
                facts={"architecture": ARCHITECTURE, "dataset": DATA, "limit": limit},
                progress=lambda _, k, n: say(f"train: {name}", k, n),
            )
            # Training ends early once every label is right.
            say(f"train: {name}", len(done.history), len(done.history))
            recording.save_network(target / "networks" / f"{key}.pt", network, done.facts)
        recorded = recording.record(
            network,
            digits.images,
            digits.labels,
            training_labels=done.training_labels if labels == "random" and done else None,
            provenance={"dataset": DATA, "split": "train", "training_labels": labels or "none"},
        )
        write_raster(recorded, target / "recordings" / f"{key}.h5")
        last = done.history[-1] if done else None
        return Regime(
            key,
            name,
            labels,
            last.epoch if last else 0,
            last.train_accuracy if last else None,
            last.test_accuracy if last else None,
            recorded,
        )

    with torch_threads(1):
        trained = tuple(regime(key, name, key) for key, name in REGIMES)
        return (*trained, regime("initial", "not trained", None))


def _sizes(regimes: Sequence[Regime]) -> tuple[int, dict[str, int]]:
    """Return bins per trial, and trials per class for either kind of labels."""
    smallest = {"label": 2**31, "training-label": 2**31}
    for one in regimes:
        for by, labels in (
            ("label", one.recording.conditions),
            ("training-label", one.recording.training_labels),
        ):
            if labels is not None:
                smallest[by] = min(smallest[by], int(np.bincount(labels.ravel()).min()))
    n_bins = min(LONGEST_TRIAL, min(smallest.values()) // FEWEST_TRIALS)
    if n_bins < 4:
        raise InvalidInputError(
            f"a class has only {min(smallest.values())} images and the demo needs "
            f"{4 * FEWEST_TRIALS}: raise the limit"
        )
    return n_bins, {by: size // n_bins for by, size in smallest.items()}


def _present(
    target: Path, regimes: Sequence[Regime], n_bins: int, per_class: dict[str, int], seed: int
) -> list[Shown]:
    """Show every stimulus at most once under each schedule."""
    found = []
    for one in regimes:
        orders = [("shuffled", "label"), ("blocked", "label")]
        if one.recording.training_labels is not None:
            orders.append(("blocked", "training-label"))
        for schedule, by in orders:
            n_trials = one.recording.n_conditions * per_class[by]
            raster = present(
                one.recording, schedule, n_trials=n_trials, n_bins=n_bins, seed=seed, by=by
            )
            found.append(Shown(one, schedule, by, raster))
            write_raster(raster, target / "recordings" / f"{found[-1].file}.h5")
    return found


def _n_fitted(raster: SpikeRaster) -> int:
    """Return three quarters of the trials: whole rounds of the classes, at least one held out."""
    rounds = raster.n_trials // raster.n_conditions
    return raster.n_conditions * min(rounds - 1, -(-3 * rounds // 4))


def _surrogate(
    target: Path, shown: Shown, model: Model, windows: tuple[int, ...], seed: int
) -> Surrogate:
    raster, n_fitted = shown.raster, _n_fitted(shown.raster)
    held_out = raster.trials(slice(n_fitted, None))
    bundle = fit_bundle(
        raster.trials(slice(0, n_fitted)),
        model.process,
        per_condition=model.per_condition,
        correlated=model.latents,
    )
    drawn = simulate(
        bundle, held_out.n_trials, held_out.n_bins, seed=seed, conditions=held_out.conditions
    )
    drawn = replace(drawn, schedule=held_out.schedule)
    report = validate(held_out, drawn, windows=windows, bundle=bundle)
    one = Surrogate(shown, model, bundle, report, None)
    write_bundle(bundle, target / "bundles" / f"{one.file}.h5")
    write_raster(held_out, target / "validation" / f"{shown.file}-held-out.h5")
    write_raster(drawn, target / "validation" / f"{one.file}.h5")
    report.to_json(target / "validation" / f"{one.file}.json")
    if model in WITH_PAGE:
        one = replace(one, page=f"validation/{one.file}.html")
        title = f"{shown.regime.name}, {shown.title}, {model.name}".capitalize()
        report.to_html(target / "validation" / f"{one.file}.html", title=title)
    return one


def _write_tables(result: DemoResult) -> None:
    text = json.dumps(list(result.rows), indent=1, allow_nan=False)
    publish_text(result.folder / "table.json", text + "\n")
    table = io.StringIO()
    writer = csv.DictWriter(table, list(result.rows[0]))
    writer.writeheader()
    writer.writerows(result.rows)
    publish_text(result.folder / "table.csv", table.getvalue())
