"""Understanding: from a cleaned message to calibrated probabilities over everything people ask."""

from bot.understanding.model import TopicModel, TopicModelConfig
from bot.understanding.segmentation import split_requests

__all__ = ["TopicModel", "TopicModelConfig", "split_requests"]
