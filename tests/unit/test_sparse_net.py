import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from oversight.data import PixelData, load_digits
from oversight.judges import sparse_training
from oversight.judges.sparse_net import SparseNet, accuracy
from oversight.judges.sparse_training import Recipe, cached_sparse_net, train_sparse_net

QUICK = Recipe(hidden=16, steps=70, lr=3e-3)


@pytest.fixture(scope="module")
def digits() -> PixelData:
    return load_digits()


@pytest.fixture
def tiny() -> SparseNet:
    """Three pixels, two hidden units, two classes; every sum below is exact."""
    return SparseNet(
        mask_weight=np.array([[1, 0], [0, 1], [-1, -1]], np.float32),
        value_weight=np.array([[2, 0], [0, 4], [-2, 0]], np.float32),
        bias=np.array([0.5, -0.5], np.float32),
        head=np.array([[1, 2], [3, -1]], np.float32),
        head_bias=np.array([0, 1], np.float32),
    )


def random_net(size: int = 64, hidden: int = 48) -> SparseNet:
    generator = np.random.default_rng(5)
    shapes = ((size, hidden), (size, hidden), (hidden,), (10, hidden), (10,))
    return SparseNet(*(generator.standard_normal(shape, np.float32) for shape in shapes))


def net_bytes(net: SparseNet) -> list[bytes]:
    return [array.tobytes() for array in vars(net).values()]


def test_logits_by_hand(tiny: SparseNet) -> None:
    values = np.array([[0.5, 0.25, 1], [0.5, 0.25, 1], [0.5, 0.25, 1]], np.float32)
    pixels = np.array([[0, 1], [2, 0], [-1, -1]])
    # {0, 1}: hidden (0.5 + 2, −0.5 + 2); {0, 2}: (0.5 + 2 − 3, …) is negative; {}: the bias.
    expected = [[2.5 + 3, 7.5 - 1.5 + 1], [0, 1], [0.5, 2.5]]
    assert tiny.logits(values, pixels).tolist() == expected


def test_rows_are_what_a_reveal_adds(tiny: SparseNet) -> None:
    values = np.array([0.5, 0.25, 1], np.float32)
    rows = tiny.rows(values)
    assert rows.dtype == np.float32
    assert rows.tolist() == [[2, 0], [0, 2], [-3, -1]]
    hidden = np.maximum(tiny.bias + rows[0] + rows[1], 0)
    logits = tiny.logits(values[None], np.array([[0, 1]]))
    np.testing.assert_array_equal(logits[0], tiny.head @ hidden + tiny.head_bias)


@pytest.mark.parametrize("width", [1, 7, 1024])
def test_logits_do_not_depend_on_the_batch(width: int) -> None:
    net = random_net()
    generator = np.random.default_rng(0)
    values = generator.random((1024, 64), np.float32)
    pixels = generator.permuted(np.tile(np.arange(64), (1024, 1)), axis=1)[:, :6]
    whole = net.logits(values, pixels)
    parts = [
        net.logits(values[start : start + width], pixels[start : start + width])
        for start in range(0, 1024, width)
    ]
    assert np.concatenate(parts).tobytes() == whole.tobytes()


def test_logits_see_only_the_set() -> None:
    net = random_net()
    values = np.random.default_rng(0).random((3, 64), np.float32)
    pixels = np.array([[3, 40, 9, -1], [40, 9, 3, 9], [-1, 9, 3, 40]])
    values[1:] = values[0]
    values[:, 50:] = [[0], [1], [2]]  # never revealed
    first, *others = net.logits(values, pixels)
    assert all(logits.tobytes() == first.tobytes() for logits in others)


@pytest.mark.parametrize(
    ("pixels", "message"),
    [([[0, 3]], "pixel 3 of an image of 3; count from 0"), ([[0], [1]], r"pass values \(B, 3\)")],
)
def test_pixels_that_do_not_fit_are_refused(
    tiny: SparseNet, pixels: list[list[int]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        tiny.logits(np.zeros((1, 3), np.float32), np.array(pixels))


def test_training_is_a_function_of_its_arguments(digits: PixelData) -> None:
    first = train_sparse_net(digits, 6, 1, hidden=16, steps=70)
    again = train_sparse_net(digits, 6, 1, hidden=16, steps=70)
    other = train_sparse_net(digits, 6, 2, hidden=16, steps=70)
    assert net_bytes(first) == net_bytes(again)
    assert net_bytes(first) != net_bytes(other)


def test_training_leaves_torch_as_it_was(digits: PixelData) -> None:
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    torch.set_num_threads(2)
    try:
        train_sparse_net(digits, 6, 1, hidden=16, steps=2)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(torch.get_rng_state(), state)


def test_importing_the_judge_does_not_import_torch() -> None:
    code = "import sys, oversight.judges.sparse_training; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_judge_learns(digits: PixelData) -> None:
    net = train_sparse_net(digits, 6, 0, hidden=32, steps=600, lr=1e-2)
    top = accuracy(net, digits.test_values, digits.test_labels, 6, 0, draws=5)
    assert top > 0.45  # chance is 0.1
    assert top == accuracy(net, digits.test_values, digits.test_labels, 6, 0, draws=5)


def test_images_with_too_few_pixels_are_trained_and_judged_on_all(digits: PixelData) -> None:
    sparse = np.where(np.arange(64) == digits.train_labels[:, None], digits.train_values, 0)
    sparse[:, 10] = 1  # one pixel everywhere, two at the most
    data = replace(digits, train_values=sparse.astype(np.float32))
    net = train_sparse_net(data, 6, 0, hidden=16, steps=70)
    assert all(np.isfinite(array).all() for array in vars(net).values())
    ones = [accuracy(net, data.train_values, data.train_labels, 2, seed) for seed in (0, 1)]
    assert ones[0] == ones[1]  # nothing left to chance


@pytest.mark.parametrize("k", [0, -1])
def test_at_least_one_pixel_must_be_seen(digits: PixelData, k: int, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="take k >= 1"):
        train_sparse_net(digits, k, 0, hidden=16, steps=1)
    with pytest.raises(ValueError, match="take k >= 1"):
        cached_sparse_net(digits, k, 0, recipe=QUICK, cache_dir=tmp_path)
    with pytest.raises(ValueError, match="take k >= 1"):
        accuracy(random_net(), digits.test_values, digits.test_labels, k, 0)


def test_at_least_one_draw_must_be_averaged(digits: PixelData) -> None:
    with pytest.raises(ValueError, match="take draws >= 1"):
        accuracy(random_net(), digits.test_values, digits.test_labels, 6, 0, draws=0)


def test_progress_is_told_to_the_end(digits: PixelData) -> None:
    told: list[tuple[int, int]] = []
    train_sparse_net(
        digits, 6, 0, hidden=16, steps=70, progress=lambda done, steps: told.append((done, steps))
    )
    assert told == [(64, 70), (70, 70)]


def test_the_cache_is_read_and_keyed_by_content(
    digits: PixelData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = cached_sparse_net(digits, 6, 0, recipe=QUICK, cache_dir=tmp_path)
    for other in (replace(QUICK, steps=71), replace(QUICK, batch=64)):
        cached_sparse_net(digits, 6, 0, recipe=other, cache_dir=tmp_path)
    changed = replace(digits, train_labels=digits.train_labels[::-1].copy())
    cached_sparse_net(changed, 6, 0, recipe=QUICK, cache_dir=tmp_path)
    assert len(list(tmp_path.iterdir())) == 4

    def refuse(*_: object, **__: object) -> SparseNet:
        raise AssertionError("trained again")

    monkeypatch.setattr(sparse_training, "train_sparse_net", refuse)
    monkeypatch.setenv("OVERSIGHT_CACHE_DIR", str(tmp_path))
    assert net_bytes(cached_sparse_net(digits, 6, 0, recipe=QUICK)) == net_bytes(net)
    with pytest.raises(AssertionError, match="trained again"):
        cached_sparse_net(digits, 6, 1, recipe=QUICK)


@pytest.mark.parametrize("damage", ["empty", "junk", "cut", "flipped", "another's"])
def test_a_damaged_cache_is_trained_anew(digits: PixelData, tmp_path: Path, damage: str) -> None:
    net = cached_sparse_net(digits, 6, 0, recipe=QUICK, cache_dir=tmp_path)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    if damage == "another's":
        np.savez(path, **vars(random_net(hidden=8)))
    else:
        path.write_bytes(
            {"empty": b"", "junk": b"?", "cut": whole[:-40], "flipped": flipped}[damage]
        )
    again = cached_sparse_net(digits, 6, 0, recipe=QUICK, cache_dir=tmp_path)
    assert net_bytes(again) == net_bytes(net)
    assert path.read_bytes()[:middle] == whole[:middle]


def test_a_cache_that_cannot_be_written_only_warns(digits: PixelData, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")
    with pytest.warns(RuntimeWarning, match="not cached .* set .OVERSIGHT_CACHE_DIR"):
        net = cached_sparse_net(digits, 6, 0, recipe=QUICK, cache_dir=tmp_path / "file")
    assert net.bias.shape == (16,)


def test_data_without_a_recipe_are_refused(digits: PixelData, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no recipe for 'faces'; known: digits, mnist"):
        cached_sparse_net(replace(digits, name="faces"), 6, 0, cache_dir=tmp_path)
