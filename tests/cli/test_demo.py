"""The demo, small: everything it promises is written, and its words follow from its numbers."""

import csv
import json

import numpy as np
import pytest

import stochnet as sn
from stochnet.cli.demo.run_demo import run_demo
from tests.support import browser
from tests.support.pages import check_page

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    said = []
    result = run_demo(
        tmp_path_factory.mktemp("demo"),
        epochs=3,
        limit=600,
        progress=lambda what, done, total: said.append((what, done, total)),
    )
    assert all(0 <= done <= total for _, done, total in said)
    return result


def test_every_file_is_there_and_whole(demo):
    for name in ("report.html", "table.csv", "table.json", "networks/true.pt",
                 "networks/random.pt", "recordings/initial.h5"):  # fmt: skip
        assert (demo.folder / name).is_file(), name
    for path in demo.folder.rglob("*.h5"):
        assert sn.verify(path)
    for one in demo.surrogates:
        assert sn.read_bundle(demo.folder / "bundles" / f"{one.file}.h5").n_nodes == 1024
        json.loads((demo.folder / "validation" / f"{one.file}.json").read_text(encoding="utf-8"))


def test_the_pages_are_self_contained(demo):
    pages = [one.page for one in demo.surrogates if one.page]
    text = check_page(demo.report, local=pages)
    assert demo.verdict in text
    for page in pages:
        check_page(demo.folder / page)


@pytest.mark.skipif(
    browser.missing() is not None and not browser.in_ci(), reason=browser.missing() or "it is there"
)
def test_the_pages_open_in_a_browser(demo):
    pages = [demo.report, *(demo.folder / one.page for one in demo.surrogates if one.page)]
    with browser.open_browser() as window:
        for path in pages:
            for size in (browser.DESKTOP, browser.PHONE):
                window.open(path, size)
                assert window.console() == []
                assert window.requests() == [path.resolve().as_uri()]
                assert window.run("return document.documentElement.scrollWidth;") <= size[0]
        window.open(demo.report)
        rates = (
            "return [...document.querySelectorAll('#table tbody tr')]"
            ".map(row => Number(row.cells[4].innerText));"
        )
        before = window.run(rates)
        window.run("document.querySelectorAll('#table thead button')[4].click();")
        assert window.run(rates) == sorted(before)


def test_the_table_has_every_regime_schedule_and_layer(demo):
    rows = list(csv.DictReader((demo.folder / "table.csv").open(encoding="utf-8")))
    assert len(rows) == len(demo.rows) == 2 * (3 * 2 + 1)
    assert {row["regime"] for row in rows} == {"true labels", "random labels", "not trained"}
    assert {row["schedule"] for row in rows} == {
        "shuffled", "blocked", "blocked by training label",
    }  # fmt: skip
    window = demo.windows[-1]
    for row in demo.rows:
        assert row["var_rate"] >= 0
        assert row[f"mff_{window}"] > 0
        if row["regime"] == "not trained":
            assert row["train_accuracy"] is None


def test_the_three_start_from_the_same_weights(demo):
    """Without training both networks are the third: their recordings agree to the bit."""
    from stochnet.recording import build_model, load_dataset, record

    digits = load_dataset("mnist-5k", "train").first(600)
    network = build_model("mlp", digits.image_shape, digits.n_classes, seed=1)
    again = record(network, digits.images, digits.labels)
    np.testing.assert_array_equal(again.data, demo.regimes[2].recording.data)


def test_surrogates_are_judged_on_trials_they_were_not_fitted_to(demo):
    for one in demo.surrogates:
        whole = one.shown.raster
        held = sn.read_raster(demo.folder / "validation" / f"{one.shown.file}-held-out.h5")
        fitted = one.bundle.n_trials
        assert fitted + held.n_trials == whole.n_trials
        seen = set(whole.stimuli[:fitted].ravel().tolist())
        assert not seen & set(held.stimuli.ravel().tolist())


def test_no_stimulus_is_shown_twice(demo):
    for one in demo.shown:
        assert len(np.unique(one.raster.stimuli)) == one.raster.stimuli.size


def test_the_verdict_names_all_networks_and_the_numbers_of_the_table(demo):
    key, layer = f"mff_{demo.windows[-1]}", demo.rows[-1]["layer"]
    for row in demo.rows:
        if row["schedule"] == "blocked" and row["layer"] == layer:
            assert f"{row[key]:.2f} ({row['regime']})" in demo.verdict


def test_too_few_images_are_refused(tmp_path):
    with pytest.raises(sn.StochnetError, match="raise the limit"):
        run_demo(tmp_path, epochs=1, limit=60)
