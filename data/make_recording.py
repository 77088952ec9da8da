"""Train an MLP on the bundled digits and record it on the 1,000 test digits.

    python data/make_recording.py [OUTPUT]

The weights, and so the spikes, depend on the version of torch and on the processor in their last
digits: the recording is a real one, not one that every machine makes to the bit.
"""

import argparse
from pathlib import Path

import torch

from stochnet.recording import build_model, load_dataset, record, train
from stochnet.storage import raster_digest

SEED = 1


def main() -> None:
    """Train, record, and say what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path(__file__).with_name("mlp-mnist-5k.h5")
    parser.add_argument("output", type=Path, nargs="?", default=default)
    options = parser.parse_args()
    torch.set_num_threads(1)
    digits, unseen = load_dataset("mnist-5k", "train"), load_dataset("mnist-5k", "test")
    network = build_model("mlp", digits.image_shape, digits.n_classes, seed=SEED)
    result = train(
        network,
        digits.images,
        digits.labels,
        seed=SEED,
        test=(unseen.images, unseen.labels),
    )
    last = result.history[-1]
    raster = record(
        network,
        unseen.images,
        unseen.labels,
        path=options.output,
        provenance={
            "dataset": "mnist-5k",
            "split": "test",
            "architecture": "mlp",
            "training_seed": SEED,
            "train_accuracy": last.train_accuracy,
            "test_accuracy": last.test_accuracy or 0.0,
        },
    )
    print(f"{last}\n{raster}\n{raster_digest(raster)}")


if __name__ == "__main__":
    main()
