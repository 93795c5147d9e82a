"""The judges that ask a model: `openai`, `openai-batch` and `compatible`."""

from commonplace.categorize.openai.batch import Collected, OpenAIBatches, Submitted
from commonplace.categorize.openai.compatible import CompatibleJudge
from commonplace.categorize.openai.realtime import OpenAIJudge
from commonplace.openai.pricing import Price

__all__ = [
    "Collected",
    "CompatibleJudge",
    "OpenAIBatches",
    "OpenAIJudge",
    "Price",
    "Submitted",
]
