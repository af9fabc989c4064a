"""The journal of who did what: append-only, each line sealed by the one before, so that tampering shows.

A line's digest is SHA-256 over the digest before it and the line's own fields (a hash chain, as in RFC 6962's logs or
in git). Whoever changes, removes or inserts a line in the middle breaks every digest after it. Cutting off the end shows
only against a digest noted elsewhere: ``bot journal verifier`` prints the last one for that purpose.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.engine import Connection

from bot.base.files import read_json
from bot.base.paths import ProjectPaths
from bot.staff.schema import audit
from bot.staff.storage import Storage

ORIGIN = "0" * 64
_LOCK = 4_600_047
_PAGE = 1_000

ACTIONS: Mapping[str, str] = {
    "connexion": "s'est connecté",
    "connexion_refusee": "a échoué à se connecter",
    "deconnexion": "s'est déconnecté",
    "compte_cree": "a créé un compte",
    "compte_desactive": "a désactivé un compte",
    "compte_reactive": "a réactivé un compte",
    "compte_role": "a changé un rôle",
    "compte_mot_de_passe": "a changé un mot de passe",
    "message_rattache": "a rattaché un message à un sujet",
    "message_confirme": "a confirmé un rattachement",
    "message_refuse": "a refusé un rattachement",
    "message_garde": "a gardé un message pour l'examen",
    "message_ignore": "a écarté un message pour toujours",
    "message_rouvert": "a remis un message dans la boîte",
    "phrase_ajoutee": "a ajouté une phrase",
    "phrase_retiree": "a retiré une phrase",
    "phrase_deplacee": "a déplacé une phrase",
    "sujet_cree": "a créé un sujet",
    "sujet_modifie": "a modifié un sujet",
    "sujet_renomme": "a renommé un sujet",
    "sujet_fusionne": "a fusionné deux sujets",
    "sujet_confie": "a confié un sujet à un autre service",
    "sujet_retire": "a retiré un sujet",
    "lot_publie": "a publié un lot",
    "lot_annule": "a annulé un lot",
    "sauvegarde_restauree": "a remis une sauvegarde en place",
    "service_cree": "a ouvert un service",
    "service_modifie": "a modifié un service",
    "guichet_cree": "a ouvert un guichet",
    "guichet_modifie": "a vérifié un guichet",
    "fiche_creee": "a créé une fiche",
    "fiche_modifiee": "a modifié une fiche",
    "fiche_retiree": "a retiré une fiche",
    "urgence_modifiee": "a changé ce que montre un danger",
    "danger_appris": "a appris un message d'urgence, ou qui y ressemble",
    "danger_retire": "a retiré un message d'urgence, ou qui y ressemble",
    "fermeture_ajoutee": "a noté une fermeture",
    "fermeture_retiree": "a retiré une fermeture",
    "annuaire_importe": "a mis l'annuaire à jour",
    "entrainement_demande": "a demandé un entraînement",
    "entrainement_prevu": "a réglé l'entraînement de chaque nuit",
    "entrainement_annule": "a arrêté un entraînement",
    "modele_active": "a mis un modèle en service",
    "changements_lus": "a lu les messages qui changent de porte",
    "modele_force": "a mis un modèle en service malgré un refus",
    "modele_retour": "est revenu au modèle précédent",
    "mode": "a changé le mode de l'assistant",
    "bandeau": "a changé le bandeau public",
    "purge": "a effacé les textes trop anciens",
}
"""Action → what the journal's page says. Pages may record others: their name is shown as it is."""


@dataclass(frozen=True)
class Entry:
    """One line of the journal.

    Args:
        id: from 1, with no hole.
        at: seconds since 1970.
        actor: name of the account, or of the command's user.
        action: a key of :data:`ACTIONS`, or another short word.
        target: on what (an account, a topic, a model…).
        details: anything else, plain values.
        previous: digest of the line before.
        digest: of this line.
    """

    id: int
    at: float
    actor: str
    action: str
    target: str
    details: Mapping[str, Any]
    previous: str
    digest: str

    @property
    def sentence(self) -> str:
        """What was done, in French."""
        return ACTIONS.get(self.action, self.action.replace("_", " "))


@dataclass(frozen=True)
class Verdict:
    """What a check of the chain found.

    Args:
        lines: how many were read.
        broken: id of the first line that does not hold, or ``None``.
        last: digest of the last line.
    """

    lines: int
    broken: int | None
    last: str


def record(connection: Connection, actor: str, action: str, target: str = "", details: Mapping[str, Any] | None = None) -> Entry:
    """Append a line, in the caller's own write transaction: the deed and its trace are kept or undone together.

    Args:
        connection: from ``storage.write()``.
        actor: who.
        action: what, a short word; see :data:`ACTIONS`.
        target: on what.
        details: plain values, never a citizen's words nor a password.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    last = connection.execute(select(audit.c.id, audit.c.digest).order_by(audit.c.id.desc()).limit(1)).first()
    number, previous = (last.id + 1, last.digest) if last else (1, ORIGIN)
    at = round(time.time(), 3)
    body = json.dumps(dict(details or {}), ensure_ascii=False, sort_keys=True, default=str)
    digest = _digest(number, at, actor, action, target, body, previous)
    connection.execute(
        audit.insert().values(
            id=number, at=at, actor=actor, action=action, target=target[:200], details=body, previous=previous, digest=digest
        )
    )
    return Entry(number, at, actor, action, target, json.loads(body), previous, digest)


def deliver(storage: Storage, paths: ProjectPaths) -> None:
    """Write the lines of what was done to the files and to the models; each once, even when a crash comes in between.

    Args:
        storage: of the journal.
        paths: the tree whose deeds wait (see :meth:`bot.staff.editing.workspace.Workspace.editing`).
    """
    for file in sorted((f for folder in paths.deeds for f in folder.glob("*.json")), key=lambda f: f.name):
        deed = read_json(file)
        if "details" not in deed:
            continue  # being written, or its commit is still to be made
        with storage.write() as connection:
            known = select(audit.c.id).where(audit.c.action == deed["action"], audit.c.details.like(f"%{file.stem}%"))
            if connection.execute(known.limit(1)).first() is None:
                record(connection, deed["acteur"], deed["action"], deed["cible"], {**deed["details"], "geste": file.stem})
        file.unlink(missing_ok=True)


def entries(
    storage: Storage, *, actor: str = "", action: str = "", since: float = 0.0, limit: int = 50, offset: int = 0
) -> tuple[Sequence[Entry], int]:
    """Return the lines of one page, the newest first, and how many there are in all."""
    wanted = ((actor, audit.c.actor == actor), (action, audit.c.action == action), (since, audit.c.at >= since))
    condition = [clause for asked, clause in wanted if asked]
    with storage.read() as connection:
        total = connection.execute(select(func.count()).select_from(audit).where(*condition)).scalar() or 0
        rows = connection.execute(select(audit).where(*condition).order_by(audit.c.id.desc()).limit(limit).offset(offset))
        return [_entry(row) for row in rows], total


def verify(storage: Storage) -> Verdict:
    """Read the whole chain again."""
    previous, expected, last = ORIGIN, 1, ORIGIN
    with storage.read() as connection:
        while True:
            rows = connection.execute(select(audit).where(audit.c.id >= expected).order_by(audit.c.id).limit(_PAGE)).all()
            for row in rows:
                digest = _digest(row.id, row.at, row.actor, row.action, row.target, row.details, previous)
                if row.id != expected or row.previous != previous or row.digest != digest:
                    return Verdict(expected - 1, row.id, last)
                previous = last = row.digest
                expected += 1
            if len(rows) < _PAGE:
                below = connection.execute(select(func.count()).select_from(audit).where(audit.c.id < 1)).scalar() or 0
                return Verdict(expected - 1, 0 if below else None, last)


def _entry(row: Any) -> Entry:
    return Entry(row.id, row.at, row.actor, row.action, row.target, json.loads(row.details), row.previous, row.digest)


def _digest(number: int, at: float, actor: str, action: str, target: str, details: str, previous: str) -> str:
    fields = json.dumps([number, round(at, 3), actor, action, target[:200], details, previous], ensure_ascii=False)
    return hashlib.sha256(fields.encode()).hexdigest()
