import gzip
import struct
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from oversight.data import (
    DataError,
    NonzeroPixels,
    PixelData,
    load_digits,
    load_mnist,
    read_idx,
    read_labelled,
)

IMAGES = np.arange(2 * 28 * 28, dtype=np.uint32).reshape(2, 28, 28).astype(np.uint8)
LABELS = np.array([7, 3], np.uint8)


def idx_bytes(array: NDArray[np.uint8]) -> bytes:
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return header + array.tobytes()


def write_mnist(directory: Path, *, zipped: bool) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for prefix in ("train", "t10k"):
        for name, array in (("images-idx3", IMAGES), ("labels-idx1", LABELS)):
            content = idx_bytes(array)
            path = directory / f"{prefix}-{name}-ubyte{'.gz' if zipped else ''}"
            path.write_bytes(gzip.compress(content, mtime=0) if zipped else content)


def check_mnist(data: PixelData) -> None:
    assert (data.name, data.side, data.classes) == ("mnist", 28, 8)
    for values, labels in (
        (data.train_values, data.train_labels),
        (data.test_values, data.test_labels),
    ):
        assert values.dtype == np.float32
        np.testing.assert_array_equal(np.rint(values * 255), IMAGES.reshape(2, 784))
        np.testing.assert_array_equal(labels, LABELS)


@pytest.mark.parametrize("name", ["images.gz", "gzipped-without-saying-so"])
def test_gzipped_files_are_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(idx_bytes(IMAGES), mtime=0))
    np.testing.assert_array_equal(read_idx(path, dimensions=3), IMAGES)


def test_plain_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "images"
    path.write_bytes(idx_bytes(IMAGES))
    np.testing.assert_array_equal(read_idx(path, dimensions=3), IMAGES)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("cut", idx_bytes(LABELS)[:-1], "truncated, 1 bytes missing; download the file again"),
        ("header", idx_bytes(LABELS)[:6], "truncated in its header, 6 bytes of 8; download"),
        ("empty", b"", "truncated in its header, 0 bytes of 8; download"),
        ("long", idx_bytes(LABELS) + b"xy", "2 trailing bytes after the .* download"),
        ("swapped", idx_bytes(IMAGES), "magic number 0x00000803, not 0x00000801 .* swapped"),
        ("plain.gz", idx_bytes(LABELS), "named .gz but not gzip; drop the suffix"),
        ("cut.gz", gzip.compress(idx_bytes(LABELS), mtime=0)[:-9], "damaged gzip .* download"),
        (
            "junk.gz",
            gzip.compress(bytes(9), mtime=0)[:10] + b"\xff" * 20,
            "damaged gzip .* download",
        ),
    ],
)
def test_a_damaged_file_is_named_with_its_remedy(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"{path}: .*{message}"):
        read_idx(path, dimensions=1)


def test_a_missing_file_is_named_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere: no such file; put it there"):
        read_idx(tmp_path / "nowhere", dimensions=1)


def test_images_and_labels_must_be_as_many(tmp_path: Path) -> None:
    images, labels = tmp_path / "images", tmp_path / "labels"
    images.write_bytes(idx_bytes(IMAGES))
    labels.write_bytes(idx_bytes(LABELS[:1]))
    with pytest.raises(DataError, match=r"images holds 2 images but .*labels holds 1 labels; take"):
        read_labelled(images, labels)


@pytest.mark.parametrize("zipped", [True, False])
def test_mnist_is_read_from_a_directory(tmp_path: Path, zipped: bool) -> None:
    write_mnist(tmp_path, zipped=zipped)
    check_mnist(load_mnist(tmp_path))


def test_mnist_is_read_from_the_data_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_mnist(tmp_path / "mnist", zipped=True)
    monkeypatch.setenv("OVERSIGHT_DATA_DIR", str(tmp_path))
    check_mnist(load_mnist())


def test_mnist_is_read_from_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    def load_dataset(name: str, *, split: str) -> dict[str, object]:
        assert name == "ylecun/mnist"
        assert split in {"train", "test"}
        return {"image": list(IMAGES), "label": LABELS.tolist()}

    monkeypatch.delenv("OVERSIGHT_DATA_DIR", raising=False)
    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load_dataset))
    check_mnist(load_mnist())


@pytest.mark.parametrize("source", ["absent directory", "empty directory", "hub"])
def test_without_mnist_the_three_remedies_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    monkeypatch.delenv("OVERSIGHT_DATA_DIR", raising=False)
    monkeypatch.setitem(sys.modules, "datasets", ModuleType("datasets"))  # no load_dataset in it
    directory = {"absent directory": tmp_path / "absent", "empty directory": tmp_path}.get(source)
    with pytest.raises(DataError, match=r"data_dir, or .*OVERSIGHT_DATA_DIR, or .*datasets"):
        load_mnist(directory)


def test_the_digits_are_split_once_and_for_all() -> None:
    data = load_digits()
    assert data.train_values.shape == (1200, 64)
    assert data.test_values.shape == (597, 64)
    assert (data.side, data.classes) == (8, 10)
    assert data.train_values.dtype == np.float32
    assert (data.train_values.min(), data.train_values.max()) == (0, 1)
    train, test = (
        {row.tobytes() for row in part} for part in (data.train_values, data.test_values)
    )
    assert not train & test  # no two of the 1,797 images are alike
    assert data.test_labels[:12].tolist() == [6, 1, 6, 0, 6, 4, 0, 1, 8, 2, 2, 3]


def test_draws_are_distinct_nonzero_pixels_and_uniform() -> None:
    values = np.array([[0, 1, 1, 0, 1, 1]], np.float32)
    generator = np.random.default_rng(0)
    draws = NonzeroPixels.of(values).draw(np.zeros(6000, np.int64), 2, generator)
    sets, counts = np.unique(np.sort(draws, axis=1), axis=0, return_counts=True)
    assert sets.tolist() == [[1, 2], [1, 4], [1, 5], [2, 4], [2, 5], [4, 5]]
    assert abs(counts - 1000).max() < 150  # five standard deviations


def test_an_image_with_too_few_pixels_yields_all_of_them() -> None:
    values = np.array([[0, 0, 0], [0, 1, 0], [1, 0, 1], [1, 1, 1]], np.float32)
    draws = NonzeroPixels.of(values).draw(np.arange(4), 2, np.random.default_rng(0))
    assert draws[0].tolist() == [-1, -1]
    assert sorted(draws[1]) == [-1, 1]
    assert sorted(draws[2]) == [0, 2]
    assert -1 not in draws[3]


def test_drawing_no_pixel_is_refused() -> None:
    nonzero = NonzeroPixels.of(np.ones((1, 4), np.float32))
    with pytest.raises(ValueError, match="at least one pixel; take k >= 1"):
        nonzero.draw(np.zeros(1, np.int64), 0, np.random.default_rng(0))
