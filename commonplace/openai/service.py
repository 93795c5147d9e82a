"""The service that names projects and computes embeddings: what its refusals mean for us.

The SDK's exceptions end here. Their texts may quote what was sent, so they are neither kept nor chained.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from commonplace.errors import CommonplaceError, Halt, Retryable

if TYPE_CHECKING:
    import openai

Answer = TypeVar("Answer")
Connect = Callable[[], "openai.OpenAI"]
"""Makes a client. It should try again by itself (`max_retries`), obeying what the service says: what is bought here
costs a fraction of a cent, and asking twice is cheaper than a run that ends."""


class NotUnderstood(Halt):
    """The service does not take the request as it was put; it may take it put otherwise."""


class Client:
    """A client that is made when it is first needed: a key is missed only by those who have something to ask."""

    def __init__(self, connect: Connect, does: str) -> None:
        self._connect = connect
        self._does = does
        self._opened: openai.OpenAI | None = None

    def ask(self, request: Callable[[openai.OpenAI], Answer]) -> Answer:
        """Make a request of the SDK; it raises our errors only."""
        import openai

        client = self._opened = self._opened or self._connect()
        try:
            answer = request(client)
        except openai.OpenAIError as exc:
            problem = _translated(exc, self._does)
        else:
            if not isinstance(answer, str):  # which is what the SDK makes of a page that is no JSON
                return answer
            problem = Retryable(f"The service that {self._does} gave no answer that can be read.")
        # Out here, so that theirs is not even the context of ours.
        raise problem

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None


def _translated(error: openai.OpenAIError, does: str) -> CommonplaceError:
    """Theirs to ours: the one table."""
    import openai

    if not isinstance(error, openai.APIStatusError):
        return Retryable(f"The service that {does} could not be reached, or did not answer.")
    said = f"(HTTP {error.status_code}{f', {error.code}' if error.code else ''})"
    is_busy = error.status_code in (408, 409, 429) or error.status_code >= 500
    if is_busy and error.code != "insufficient_quota":
        return Retryable(f"The service that {does} is busy or failing {said}.")
    kind = NotUnderstood if error.status_code in (400, 422) else Halt
    return kind(
        f"The service that {does} does not do so for this key and model {said}.",
        hint="Check OPENAI_API_KEY, OPENAI_BASE_URL, the account and the model, or turn it off under [projects].",
    )
