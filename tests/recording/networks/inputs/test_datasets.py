import numpy as np
import pytest

from stochnet.errors import FileFormatError, InvalidInputError
from stochnet.recording import load_dataset
from stochnet.recording.networks.inputs import datasets


def save(path, **arrays):
    np.savez(path, **arrays)
    return path


def test_bundled_digits_are_balanced_and_split():
    train, test = load_dataset("mnist-5k"), load_dataset("mnist-5k", "test")
    assert train.images.shape == (4000, 28, 28)
    assert test.images.shape == (1000, 28, 28)
    assert (np.bincount(train.labels) == 400).all()
    assert (np.bincount(test.labels) == 100).all()
    assert train.image_shape == (1, 28, 28)
    assert (train.n_classes, train.split, test.split) == (10, "train", "test")
    assert 30 < train.images.mean() < 36
    # Shuffled: every class comes early.
    assert len(np.unique(train.labels[:100])) == 10


def test_bundled_digits_of_an_installed_package(tmp_path, monkeypatch):
    inside = tmp_path / "stochnet"
    (inside / "_data").mkdir(parents=True)
    (inside / "_data/mnist-5k.npz").write_bytes(datasets.bundled_path().read_bytes())
    monkeypatch.setattr(datasets, "_PACKAGE", inside)
    assert datasets.bundled_path().parent == inside / "_data"
    assert len(load_dataset("mnist-5k")) == 4000
    monkeypatch.setattr(datasets, "_PACKAGE", tmp_path / "nowhere")
    with pytest.raises(InvalidInputError, match="install stochnet again"):
        load_dataset("mnist-5k")


def test_limit_takes_the_first():
    whole = load_dataset("mnist-5k")
    few = whole.first(7)
    np.testing.assert_array_equal(few.images, whole.images[:7])
    np.testing.assert_array_equal(few.labels, whole.labels[:7])
    assert few.n_classes == 10
    assert whole.first(None) is whole
    for limit in (0, -1, 4001):
        with pytest.raises(InvalidInputError, match="1 to 4000"):
            whole.first(limit)


def test_a_file_of_images(tmp_path):
    images = np.zeros((6, 5, 4, 3), np.uint8)
    path = save(tmp_path / "toy.npz", images=images, labels=np.array([0, 1, 2, 0, 1, 2], np.uint8))
    found = load_dataset(path)
    assert (found.name, found.image_shape, found.n_classes, found.split) == (
        "toy",
        (3, 5, 4),
        3,
        None,
    )
    assert found.labels.dtype == np.int64
    with pytest.raises(InvalidInputError, match="is not split"):
        load_dataset(path, "test")


def test_a_file_with_two_splits(tmp_path):
    path = save(
        tmp_path / "toy.npz",
        train_images=np.zeros((4, 5, 5), np.uint8),
        train_labels=np.arange(4),
        test_images=np.ones((2, 5, 5), np.uint8),
        test_labels=np.arange(2),
    )
    assert len(load_dataset(path)) == 4
    assert load_dataset(path, "test").images.min() == 1


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": np.zeros((2, 5, 5), np.uint8)}, "lacks an array"),
        ({"images": np.zeros((2, 5, 5)), "labels": np.arange(2)}, "must be uint8"),
        ({"images": np.zeros((2, 5), np.uint8), "labels": np.arange(2)}, "must be uint8"),
        ({"images": np.zeros((0, 5, 5), np.uint8), "labels": np.arange(0)}, "must be uint8"),
        (
            {"images": np.zeros((2, 5, 5), np.uint8), "labels": np.arange(3)},
            "labels must be one integer for each of the 2",
        ),
        ({"images": np.zeros((2, 5, 5), np.uint8), "labels": np.array([0, -1])}, "lie in 0 to"),
        (
            {"images": np.zeros((2, 5, 5), np.uint8), "labels": np.array([0, "a"], object)},
            "without pickle",
        ),
    ],
)
def test_a_file_that_does_not_fit(arrays, message, tmp_path):
    path = tmp_path / "bad.npz"
    np.savez(path, **arrays)
    with pytest.raises(FileFormatError, match=message):
        load_dataset(path)


def test_a_file_that_is_no_npz(tmp_path):
    path = tmp_path / "bad.npz"
    for content in (b"", b"hello", b"PK\x03\x04broken"):
        path.write_bytes(content)
        with pytest.raises(FileFormatError, match="cannot be read"):
            load_dataset(path)
    with pytest.raises(InvalidInputError, match="no file"):
        load_dataset(tmp_path / "none.npz")


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "cifar10"])
def test_nothing_is_downloaded_unasked(name, tmp_path):
    with pytest.raises(InvalidInputError, match=r"--data-root.*--download"):
        load_dataset(name, root=tmp_path)
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_torchvision_data_in_a_folder(tmp_path):
    raw = tmp_path / "MNIST/raw"
    raw.mkdir(parents=True)
    images = np.arange(3 * 28 * 28, dtype=np.uint8).reshape(3, 28, 28)
    for stem in ("train", "t10k"):
        header = b"\0\0\x08\x03" + np.array([3, 28, 28], ">u4").tobytes()
        (raw / f"{stem}-images-idx3-ubyte").write_bytes(header + images.tobytes())
        header = b"\0\0\x08\x01" + np.array([3], ">u4").tobytes()
        (raw / f"{stem}-labels-idx1-ubyte").write_bytes(header + bytes([7, 2, 1]))
    found = load_dataset("mnist", "test", root=tmp_path)
    np.testing.assert_array_equal(found.images, images)
    assert found.labels.tolist() == [7, 2, 1]
    assert found.n_classes == 10


def test_unknown_names_and_splits():
    with pytest.raises(InvalidInputError, match="no data set is called"):
        load_dataset("imagenet")
    with pytest.raises(InvalidInputError, match="split must be"):
        load_dataset("mnist-5k", "validation")
