"""Who calls the partner API: the key of the ``Authorization`` header, checked against the store."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bot.serving.refusals import Refusal
from bot.staff.accounts.api_keys import JsonKeyStore, KeyStore, KeyStoreError, check_key
from bot.web.limits import Allowance

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="api", charset="UTF-8"'}


class KeyRing:
    """Checks keys for the web application.

    Args:
        store: where keys are kept, ``None`` when this server uses none.
    """

    def __init__(self, store: KeyStore | None) -> None:
        self._store = store

    @classmethod
    def of_file(cls, path: str) -> KeyRing:
        """Return the ring of a file of keys; "" for none."""
        return cls(JsonKeyStore(Path(path)) if path else None)

    async def allowance(self, header: str) -> Allowance:
        """Return what the caller may send.

        Args:
            header: value of ``Authorization``.

        Raises:
            Refusal: 401 when the key is wrong, revoked, or this server has none; 503 when keys cannot be read.
        """
        scheme, _, key = header.partition(" ")
        if scheme.lower() != "bearer" or self._store is None:
            raise Refusal(401, headers=CHALLENGE)
        try:
            record = await asyncio.to_thread(check_key, self._store, key.strip())
        except KeyStoreError as error:
            raise Refusal(503, "Les clés ne peuvent pas être vérifiées pour le moment. Essayez à nouveau plus tard.") from error
        if record is None:
            raise Refusal(401, headers=CHALLENGE)
        return Allowance(f"cle:{record.id}", record.par_minute)
