"""The English model: where its extra is installed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from commonplace.errors import Halt
from commonplace.meaning.minilm.embedder import MODEL, PACKAGE, MiniLmEmbedder


@pytest.fixture(scope="module")
def embedder() -> MiniLmEmbedder:
    pytest.importorskip("onnxruntime", reason="the extra `english` is not installed")
    return MiniLmEmbedder()


def test_what_means_the_same_is_nearest(embedder: MiniLmEmbedder) -> None:
    said = ["Let the dough rise for two hours before it goes into the oven.", "The invoice is due at the end of March."]
    rows = embedder.embed([*said, "When can I bake the bread?"])
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert rows[0] @ rows[2] > rows[1] @ rows[2] + 0.2


def test_rows_do_not_depend_on_what_else_is_asked_for(embedder: MiniLmEmbedder) -> None:
    texts = ["short", "a somewhat longer text about bread and butter", "x " * 500]
    together = embedder.embed(texts)
    alone = np.concatenate([embedder.embed([text]) for text in texts])
    assert (together * alone).sum(axis=1).min() > 0.99  # 8-bit weights: what is beside a text moves it a little


@pytest.mark.parametrize("text", ["", "\x00 \ud800", "膝が痛い時はどうする", "मेरी साइकिल", "???"])
def test_what_is_not_english_or_says_nothing_has_no_direction(embedder: MiniLmEmbedder, text: str) -> None:
    assert not embedder.embed([text]).any()


def test_a_text_of_a_million_characters_is_cut(embedder: MiniLmEmbedder) -> None:
    assert embedder.embed(["word " * 200_000]).any()


def test_a_damaged_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / MODEL.name).write_bytes(b"not a model")
    with pytest.raises(Halt, match="not the file it should be"):
        MiniLmEmbedder(tmp_path).embed(["bread"])


def test_without_its_extra_it_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(Halt, match=r"commonplace-book\[english\]"):
        MiniLmEmbedder(tmp_path).embed(["bread"])


def test_the_pinned_package_is_the_one_whose_hash_is_known() -> None:
    pyproject = Path(__file__).parents[3] / "pyproject.toml"
    assert f'"{PACKAGE.pinned}"' in pyproject.read_text(encoding="utf-8")
