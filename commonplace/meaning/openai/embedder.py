"""The embedder that asks a service, through the one door to it."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from commonplace.errors import Halt
from commonplace.meaning.contract import Floats, unit
from commonplace.meaning.passages import VERSION, clean
from commonplace.model import Usage
from commonplace.openai import embeddings
from commonplace.openai.client import Client
from commonplace.openai.errors import About
from commonplace.openai.pricing import Counted, Price, unknown_price
from commonplace.openai.tokens import estimate_tokens

LONGEST = 600
MOST_READ = 6_000
"""Characters of a text: servers at home often take no more."""
SHORTENED = 256
"""Asked for where a model can shorten its vectors: a sixth of the space for about the same precision."""
SETTING = "[meaning] model"


class OpenAiEmbedder:
    """Each `embed` makes as many requests as its texts need; what it took is in `usage`."""

    longest = LONGEST
    languages: tuple[str, ...] = ()

    def __init__(self, client: Client, model: str, price: Price | None) -> None:
        self._client = client
        self._about = About(model=model, setting=SETTING, what="embeddings")
        self._price = price
        self._wanted = SHORTENED if embeddings.can_shorten(model) else None
        self.dimensions = self._wanted
        self.usage = Usage()

    @property
    def key(self) -> str:
        """Of a server at another address nobody knows whether its model is the same."""
        address = self._client.account.base_url
        where = f"@{blake2b(address.encode(), digest_size=4).hexdigest()}" if address else ""
        return f"openai:{self._about.model}{where}:passages-{VERSION}-{LONGEST}:{self._wanted or 'whole'}"

    def cost(self, texts: Sequence[str]) -> float:
        if self._price is None:
            raise Halt(unknown_price(self._about.model, "[meaning]"))
        return self._price.of(Counted(input=sum(map(estimate_tokens, texts))))

    def embed(self, texts: Sequence[str]) -> Floats:
        cleaned = [clean(text, MOST_READ) for text in texts]
        said = [place for place, text in enumerate(cleaned) if text]
        found: list[Floats] = []
        for group in embeddings.requests([cleaned[place] for place in said]):
            asked = [cleaned[said[place]] for place in group]
            vectors, tokens = embeddings.ask(self._client, self._about, asked, dimensions=self.dimensions)
            # Whatever length the service's first answer has, the others have to have.
            self.dimensions = vectors.shape[1]
            self.usage += Counted(input=tokens).usage(self._price)
            found.append(unit(vectors))
        rows = np.zeros((len(texts), self.dimensions or 0), dtype=np.float32)
        if found:
            rows[said] = np.concatenate(found)
        return rows

    def close(self) -> None:
        self._client.close()
