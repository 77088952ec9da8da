"""Record every classifier of torchvision and compare each node with an independent counter.

    python -m tests.torture.recording_models [--results FILE.jsonl] [--only NAME ...] [--page FILE]

Random weights, seven images in the smallest size that a network takes, by position and by channel.
A model that stands in the results is not run again.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

import stochnet as sn
from stochnet.errors import RecordingError, RecordingWarning, StochnetError
from stochnet.recording.networks.torchvision_compat import import_torchvision
from tests.support.activation_counter import count

IMAGES, BATCH, CLASSES = 7, 4, 10
SIZES = (32, 64, 96, 128, 224, 299)
HEAD = """# Recorded classifiers

Every classifier of torchvision {torchvision}, with random weights, recorded with stochnet's
defaults: {images} images of the size shown, in batches of {batch}, by position and by channel. For
each node the number of spikes is compared with a counter that knows nothing of stochnet: forward
hooks on the activation modules and wrapped functions, `output > 0`, and the channels from the layer
before in the source. Both run without fused attention, which rounds in another way.
`make torture-recording` makes this page again.

**{good} of {all} have equal counts in every node, both ways.** What is not in the table has not
been run.

| model | side | layers | nodes by position | by channel | what was said | counts |
|---|---|---|---|---|---|---|
"""


def main() -> None:
    """Run what is missing, and write the page if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=Path("recording-models.jsonl"))
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--page", type=Path)
    options = parser.parse_args()
    torchvision = import_torchvision()
    names = torchvision.models.list_models(module=torchvision.models)
    done = _read(options.results)
    for name in options.only or names:
        if name in done:
            continue
        row = check(name)
        with options.results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(json.dumps(row), flush=True)
        gc.collect()
    rows = _read(options.results)
    if options.page is not None:
        options.page.write_text(page([rows[n] for n in names if n in rows], torchvision), "utf-8")
    bad = [name for name in names if rows.get(name, {}).get("counts") != "equal"]
    print(f"{len(names) - len(bad)} of {len(names)} equal" + (f"; not: {bad}" if bad else ""))
    raise SystemExit(bool(bad))


def check(name: str) -> dict[str, Any]:
    """Record a model both ways and compare."""
    began = time.perf_counter()
    row: dict[str, Any] = {"model": name, "said": []}
    try:
        network, images = smallest(name)
        row["side"] = images.shape[-1]
        fused = torch.backends.mha.get_fastpath_enabled()
        torch.backends.mha.set_fastpath_enabled(False)
        try:
            counts = count(network, images, BATCH)
        finally:
            torch.backends.mha.set_fastpath_enabled(fused)
        counted = dict(zip(("position", "channel"), counts, strict=True))
        for unit, expected in counted.items():
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always", RecordingWarning)
                raster = sn.record(network, images, unit=unit, batch_size=BATCH)
            row["said"] = [str(w.message) for w in told if w.category is RecordingWarning]
            row["layers"] = len(raster.layers)
            row[unit] = raster.n_nodes
            found = [raster.layer(x.name).to_dense().sum((1, 2)) for x in raster.layers]
            if len(found) != len(expected):
                row["counts"] = f"{len(found)} layers for {len(expected)} by {unit}"
                break
            wrong = sum(
                not np.array_equal(a, b.numpy()) for a, b in zip(found, expected, strict=True)
            )
            if wrong:
                row["counts"] = f"{wrong} of {len(found)} layers differ by {unit}"
                break
        else:
            row["counts"] = "equal"
    except StochnetError as error:
        row["counts"] = f"{type(error).__name__}: {error}"
    row["seconds"] = round(time.perf_counter() - began, 1)
    return row


def smallest(name: str) -> tuple[torch.nn.Module, torch.Tensor]:
    """Build a model with random weights, and images of the smallest size that it takes."""
    sizes = SIZES
    if name.startswith("vit_"):
        sizes = (2 * int(name.rpartition("_")[2]),)
    for side in sizes:
        torch.manual_seed(0)
        images = torch.randn(IMAGES, 3, side, side)
        try:
            network = build(name, side)
            with torch.no_grad():
                network(images[:2])
        except (RuntimeError, ValueError, AssertionError):
            continue
        return network, images
    raise RecordingError(f"{name} takes no images of {sizes}")


def build(name: str, side: int) -> torch.nn.Module:
    """Build a model whose deeper layers are neither dead nor saturated."""
    options: dict[str, Any] = {"num_classes": CLASSES}
    if name.startswith("vit_"):
        options["image_size"] = side
    if name in ("googlenet", "inception_v3"):
        options |= {"aux_logits": False, "init_weights": False}
    network = import_torchvision().models.get_model(name, weights=None, **options).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.running_mean.normal_(0, 0.2)
    return network


def page(rows: list[dict[str, Any]], torchvision: Any) -> str:
    """Return the page of the documentation."""
    good = sum(row["counts"] == "equal" for row in rows)
    names = torchvision.models.list_models(module=torchvision.models)
    text = HEAD.format(
        torchvision=torchvision.__version__.partition("+")[0],
        images=IMAGES,
        batch=BATCH,
        good=good,
        all=len(names),
    )
    for row in rows:
        said = "; ".join(one.partition(":")[0] for one in row["said"]) or "—"
        numbers = [f"{row[key]:,}" if key in row else "—" for key in ("position", "channel")]
        text += (
            f"| {row['model']} | {row.get('side', '—')} | {row.get('layers', '—')} | "
            f"{' | '.join(numbers)} | {said} | {row['counts']} |\n"
        )
    return text


def _read(path: Path) -> dict[str, dict[str, Any]]:
    if not path.exists():
        return {}
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {row["model"]: row for row in rows}


if __name__ == "__main__":
    main()
