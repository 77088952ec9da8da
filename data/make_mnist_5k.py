"""Cut mnist-5k.npz from MNIST: 500 images a class, the first 4,000 for training.

    python data/make_mnist_5k.py MNIST_ROOT [OUTPUT]

MNIST_ROOT is a folder that holds train-images-idx3-ubyte.gz and train-labels-idx1-ubyte.gz (at any
depth, gzipped or not), as torchvision.datasets.MNIST(MNIST_ROOT, download=True) leaves it. Images
are drawn from the 60,000 of the official training set with the seed below. The file is the same, to
the byte, every time it is made with one version of zlib; its arrays are checked in any case.
"""

import argparse
import gzip
import hashlib
import io
import struct
import zipfile
from pathlib import Path

import numpy as np

SEED = 20261122
PER_CLASS_TRAIN, PER_CLASS_TEST = 400, 100
SHA256 = {
    "images": "abdd409d095a32ab4adf77e1a3d977b2da06664a3950e3de02e66c739e870b82",
    "labels": "068b9ecc5ec5bf0a667e769412344993b03a75bee78c55e73ccdf9ec499ed440",
}


def read_idx(root: Path, name: str) -> np.ndarray:
    """Read one array of the idx format."""
    found = sorted(root.rglob(f"{name}*"))
    if not found:
        raise SystemExit(f"{name}[.gz] is nowhere under {root}")
    raw = found[0].read_bytes()
    if found[0].suffix == ".gz":
        raw = gzip.decompress(raw)
    rank = raw[3]
    shape = struct.unpack_from(f">{rank}I", raw, 4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(shape)


def cut(images: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Draw the images of each class, and shuffle the training and the test part."""
    rng = np.random.default_rng(SEED)
    train, test = [], []
    for digit in range(10):
        of_class = rng.permutation(np.flatnonzero(labels == digit))
        train.append(of_class[:PER_CLASS_TRAIN])
        test.append(of_class[PER_CLASS_TRAIN : PER_CLASS_TRAIN + PER_CLASS_TEST])
    index = np.concatenate(
        [rng.permutation(np.concatenate(train)), rng.permutation(np.concatenate(test))]
    )
    return {
        "images": images[index],
        "labels": labels[index],
        "mnist_index": index.astype(np.int32),
    }


def write_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write as numpy.savez_compressed does, without the time of writing."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.save(buffer, array, allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, buffer.getvalue())


def verify(path: Path) -> None:
    """Check shapes, balance and checksums of what was written."""
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    images, labels = arrays["images"], arrays["labels"]
    n_train = 10 * PER_CLASS_TRAIN
    sound = (
        images.shape == (5000, 28, 28)
        and images.dtype == labels.dtype == np.uint8
        and (np.bincount(labels[:n_train]) == PER_CLASS_TRAIN).all()
        and (np.bincount(labels[n_train:]) == PER_CLASS_TEST).all()
        and len(np.unique(arrays["mnist_index"])) == 5000
    )
    if not sound:
        raise SystemExit(f"{path} has not the shapes and classes it should have")
    for name, expected in SHA256.items():
        found = hashlib.sha256(arrays[name].tobytes()).hexdigest()
        if found != expected:
            raise SystemExit(f"the {name} in {path} have sha256 {found}, not {expected}")


def main() -> None:
    """Make the file and check it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path, help="folder of MNIST")
    parser.add_argument(
        "output", type=Path, nargs="?", default=Path(__file__).with_name("mnist-5k.npz")
    )
    options = parser.parse_args()
    images = read_idx(options.root, "train-images-idx3-ubyte")
    labels = read_idx(options.root, "train-labels-idx1-ubyte")
    write_npz(options.output, cut(images, labels))
    verify(options.output)
    print(f"{options.output}: {hashlib.sha256(options.output.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
