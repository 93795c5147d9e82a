"""The judges that ask a model: `openai`, `openai-batch` and `compatible`."""

from commonplace.categorize.openai.batch import OpenAIBatches
from commonplace.categorize.openai.compatible import CompatibleJudge
from commonplace.categorize.openai.realtime import OpenAIJudge

__all__ = ["CompatibleJudge", "OpenAIBatches", "OpenAIJudge"]
