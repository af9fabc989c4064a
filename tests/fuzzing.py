"""Messages and HTTP requests drawn at random, the same for the same seed."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from random import Random
from urllib.parse import quote

from nasty_inputs import NASTY

SIZE = int(os.environ.get("BOT_FUZZ", "0"))
"""Messages of the full run (``make fuzz``); 0: a slice of it."""
CORPUS = Path(__file__).resolve().parent.parent / "data" / "nlu"
METHODS = ("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "get", "BREW", "P\x00ST")
KINDS = (
    "application/json",
    "application/json; charset=utf-7",
    "application/json; charset=inconnu",
    "application/json; charset=",
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=utf-16",
    "multipart/form-data; boundary=x",
    "multipart/form-data",
    "multipart/mixed; boundary=",
    "text/csv",
    "text/csv; charset=idna",
    "text/plain; charset=punycode",
    ";;;",
    "\xff",
    "",
)
HEADERS: dict[str, tuple[str, ...]] = {
    "Host": ("exemple.fr", "exemple.fr:99999", "[::1", "[::1]:8000", "", "a" * 4_000, "x y", "\xe9.fr"),
    "Origin": ("null", "http://[", "http://exemple.fr", "https://exemple.fr:99999", "\x7f", "http://" + "a" * 2_000, ""),
    "Sec-Fetch-Site": ("same-origin", "cross-site", "none", "?"),
    "Cookie": ("conversation=", "conversation=" + "a" * 64, "=; ;;,", 'conversation="\\', "\xff=\xfe", "__Host-conversation=../.."),
    "Content-Encoding": ("gzip", "deflate", "br", "zstd", "identity", "gzip, gzip", "?"),
    "Accept": ("*/*", "text/html;q=2", "application/json", "\xff", ","),
    "Accept-Encoding": ("gzip", "br;q=0", "*;q=x", "\xff"),
    "Accept-Language": ("en", "fr;q=9", "x" * 2_000, "\xff"),
    "X-Forwarded-For": ("1.2.3.4", "::ffff:1.2.3.4", "inconnu", "1.2.3.4:5555, [::1]:1", "," * 100, "\xff"),
    "X-Forwarded-Host": ("exemple.fr", "[", "\xff"),
    "X-Forwarded-Proto": ("https", "gopher"),
    "Authorization": ("Bearer", "Bearer \xff", "Basic YTpi", "Bearer " + "a" * 4_000, ""),
    "Range": ("bytes=0-1", "bytes=-1", "bytes=9-1", "octets=\xff"),
    "If-None-Match": ("*", '"a"', 'W/"', "\xff"),
    "If-Modified-Since": ("Sat, 99 Foo 2026 00:00:00 GMT", "0"),
    "Expect": ("100-continue", "200-ok"),
    "Upgrade": ("websocket", "h2c"),
    "Transfer-Encoding": ("chunked", "gzip, chunked", "?"),
    "Content-Length": ("0", "1", "-1", "+1", "1_0", "9" * 30, "0x1", "\xb2"),
    "Idempotency-Key": ("a", "\xff" * 500),
}
FIELDS = (
    "texte",
    "message",
    "envoi",
    "conversation",
    "choix",
    "reponse",
    "utile",
    "raison",
    "commentaire",
    "id",
    "profil",
    "commune",
    "rendu",
    "?",
)


class Fuzzer(Random):
    """Draws messages and requests.

    Args:
        seed: of this draw.
    """

    def message(self) -> str:
        """Return what a person may type, most often short, now and then of thousands of characters."""
        pieces = [self._piece() for _ in range(self.choice((1, 1, 2, 3, 8, self.randrange(1, 60))))]
        text = self.choice(("", " ", ". ", "\n", ", ")).join(pieces)
        for _ in range(self.choice((0, 0, 1, 3, 10))):
            text = self._broken(text)
        if self.random() < 0.01:
            text *= self.randrange(2, 400)
        return text[: self.choice((80, 300, 300, 1_500, 5_000, 25_000))]

    def _piece(self) -> str:
        how = self.randrange(8)
        if how < 4:
            return self.choice(phrases())
        if how == 4:
            return self.choice(tuple(NASTY.values()))[: self.randrange(1, 200)]
        if how == 5:
            return "".join(chr(self.randrange(0x20, self.choice((0x80, 0x250, 0x3000, 0x11_0000)))) for _ in range(self.randrange(1, 20)))
        if how == 6:
            return "".join(self.choices("0123456789 .-/+()@", k=self.randrange(1, 30)))
        return "".join(self.choices("aàbcdeéfghijklmnoœpqrstuvwxyz' ", k=self.randrange(1, 40)))

    def _broken(self, text: str) -> str:
        at, size = self.randrange(len(text) + 1), self.choice((1, 1, 2, 5))
        how = self.randrange(6)
        if how == 0:
            return text[:at] + text[at + size :]
        if how == 1:
            return text[:at] + text[at : at + size] * 3 + text[at + size :]
        if how == 2:
            return text[:at] + self.choice(("\0", "\ud800", "\u200b", "\u202e", "\u0301", "<", "&", "'", "\n\n", "🙂", "œ")) + text[at:]
        return (text.upper(), text.lower(), text[::-1])[how - 3]

    def request(self, routes: Sequence[tuple[str, str]]) -> bytes:
        """Return the bytes of a request that ends: a server waits for nothing more.

        Args:
            routes: method and path of each, their variable parts between braces.
        """
        method, path = self.choice(routes)
        if self.random() < 0.2:
            method = self.choice(METHODS)
        path = "/".join(self._segment() if "{" in part else part for part in path.split("/"))
        if self.random() < 0.2:
            path += "?" + "&".join(f"{self.choice(FIELDS)}={self._segment()}" for _ in range(self.randrange(4)))
        if self.random() < 0.1:
            path = self._broken(path)
        kind, body = self._body()
        headers = {"Host": "127.0.0.1", "Content-Type": kind if self.random() < 0.8 else self.choice(KINDS)}
        names = self.sample(tuple(HEADERS), self.choice((0, 0, 1, 2, 5)))
        headers |= {name: self.choice(HEADERS[name]) for name in names}
        if headers.get("Transfer-Encoding"):
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if self.random() < 0.7 else b"zz\r\n" + body
        else:
            headers.setdefault("Content-Length", str(len(body)))
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "Connection: close", "", ""]
        return "\r\n".join(lines).encode("latin-1", "replace") + body

    def _segment(self) -> str:
        text = self.choice(
            ("passeport", "titres", "..", "%2e%2e%2f", "%00", "%ff", "", quote(self.message().encode("utf-8", "replace")[:200]))
        )
        return text.replace("/", "%2F")

    def _value(self, depth: int = 0) -> object:
        how = self.randrange(9)
        if how < 4 or depth > 3:
            return self.message()
        if how == 4:
            return self.choice((None, True, False, 0, -1, 1e308, 10**30, ""))
        if how == 5:
            return [self._value(depth + 1) for _ in range(self.randrange(4))]
        return {self.choice(FIELDS): self._value(depth + 1) for _ in range(self.randrange(4))}

    def _body(self) -> tuple[str, bytes]:
        how = self.randrange(8)
        if how < 3:
            fields = {self.choice(FIELDS): self._value(1) for _ in range(self.randrange(1, 5))} | {"texte": self.message()}
            return KINDS[0], json.dumps(fields).encode(self.choice(("utf-8", "utf-8", "utf-16", "latin-1")))
        if how == 3:
            return KINDS[0], json.dumps([{"texte": self.message()} for _ in range(self.randrange(6))]).encode()
        if how == 4:
            return KINDS[0], json.dumps(self._value()).encode()[: self.choice((5, 10_000))]
        if how == 5:
            text = self.message().encode("utf-8", "replace")
            return KINDS[4], b"&".join(b"%b=%b" % (self.choice(FIELDS).encode(), quote(text).encode()) for _ in range(self.randrange(4)))
        if how == 6:
            lines = (
                f'--x\r\nContent-Disposition: form-data; name="{self.choice(FIELDS)}"\r\n\r\n{self.message()[:300]}\r\n' for _ in range(2)
            )
            return KINDS[6], ("".join(lines) + self.choice(("--x--\r\n", ""))).encode("utf-8", "replace")
        return "text/csv", ("objet;note\n" + self.message()).encode("utf-8", "replace") if self.random() < 0.5 else self.randbytes(
            self.randrange(2_000)
        )


@lru_cache(maxsize=1)
def phrases() -> tuple[str, ...]:
    """Return some thousands of phrases of the corpus, the same each time."""
    lines = [line for path in sorted(CORPUS.glob("*.yml")) for line in path.read_text(encoding="utf-8").split("\n")]
    return tuple(line.removeprefix("    - ") for line in lines[::20] if line.startswith("    - "))
