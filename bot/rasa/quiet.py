"""Silence what third parties say at import and at each turn, so that our own logs can be read."""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Iterator

_CHATTY = ("rasa", "rasa_sdk", "tensorflow", "absl", "matplotlib", "sanic", "apscheduler", "h5py")
_THIRD_PARTIES = (
    r"(rasa|rasa_sdk|tensorflow|keras|sklearn|spacy|thinc|weasel|pkg_resources|setuptools|sanic|ruamel|dask|jsonschema|google|"
    r"packaging|pluggy|structlog|sqlalchemy)(\.|$)"
)


def hush_warnings() -> None:
    """Keep out the warnings of third parties; call it before anything imports ``rasa``."""
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("SQLALCHEMY_SILENCE_UBER_WARNING", "1")
    for category in (DeprecationWarning, PendingDeprecationWarning, FutureWarning):
        warnings.filterwarnings("ignore", category=category, module=_THIRD_PARTIES)
    # Our slots named like an entity say how they are filled: Rasa warns all the same.
    warnings.filterwarnings("ignore", message="Slot auto-fill has been removed")
    # Ours is a RulePolicy; Rasa only looks for the very class.
    warnings.filterwarnings("ignore", message="'RulePolicy' is not included")


@contextlib.contextmanager
def swallowed_warnings() -> Iterator[None]:
    """Swallow every warning inside, even when a third party resets the filters; they are put back after."""
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("ignore")
        yield


def hush_logs() -> None:
    """Keep out what Rasa logs below an error: it quotes the words of the people who write."""
    import structlog

    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
