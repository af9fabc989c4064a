"""Settings read from the environment (``BOT_…``), checked once at start; every mistake is reported at once, in French."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from bot.base.errors import SettingsError

THEMES = ("neutre", "dsfr")
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(?::\d{1,5})?", re.IGNORECASE)
_DATABASE = re.compile(r"(sqlite|postgresql)(\+[a-z0-9]+)?://", re.IGNORECASE)
_YES = {"1", "oui", "vrai", "true", "yes"}
_NO = {"", "0", "non", "faux", "false", "no"}


def _integer(low: int, high: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not re.fullmatch(r"\d{1,9}", value.strip()) or not low <= int(value) <= high:
            raise ValueError(f"attendu un nombre entier entre {low} et {high}")
        return int(value)

    return read


def _seconds(low: float, high: float) -> Callable[[str], float]:
    def read(value: str) -> float:
        text = value.strip().replace(",", ".")
        if not re.fullmatch(r"\d{1,4}(\.\d{1,3})?", text) or not low <= float(text) <= high:
            raise ValueError(f"attendu un nombre de secondes entre {low:g} et {high:g}")
        return float(text)

    return read


def _points(value: str) -> float:
    text = value.strip().replace(",", ".")
    if not re.fullmatch(r"\d{1,2}(\.\d{1,2})?", text):
        raise ValueError("attendu un nombre de points entre 0 et 99")
    return float(text)


def _boolean(value: str) -> bool:
    word = value.strip().lower()
    if word not in _YES | _NO:
        raise ValueError("attendu « oui » ou « non »")
    return word in _YES


def _origins(value: str) -> tuple[str, ...]:
    found = tuple(part.rstrip("/").lower() for part in re.split(r"[\s,]+", value) if part)
    for origin in found:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(f"« {origin} » n'est pas une origine de la forme https://www.exemple.fr")
    return found


def _redis(value: str) -> str:
    if value.strip() and not re.match(r"(rediss?|unix)://\S+$", value.strip()):
        raise ValueError("attendu une adresse de la forme redis://serveur:6379/0")
    return value.strip()


def _theme(value: str) -> str:
    if value.strip() not in THEMES:
        raise ValueError(f"attendu l'un de : {', '.join(THEMES)}")
    return value.strip()


def _database(value: str) -> str:
    url = value.strip()
    if url and not _DATABASE.match(url):
        raise ValueError("attendu une adresse de la forme sqlite:////dossier/atelier.db ou postgresql://utilisateur@hote/base")
    return url


def _setting(default: Any, variable: str, read: Callable[[str], Any], help_: str, secret: bool = False) -> Any:
    return field(default=default, metadata={"variable": variable, "read": read, "help": help_, "secret": secret})


@dataclass(frozen=True)
class Settings:
    """Everything a deployer may set. ``describe()`` lists the variables with a French sentence each.

    Usage::

        Settings()                                        # safe defaults
        Settings.from_environment()                       # reads BOT_…
        Settings.from_environment({"BOT_HTTPS": "oui"})   # tests
    """

    hosts: tuple[str, ...] = _setting(
        (), "BOT_HOTES", _origins, "Sites autorisés à afficher l'assistant (cadre) et à l'appeler (CORS), séparés par des espaces."
    )
    https: bool = _setting(
        False, "BOT_HTTPS", _boolean, "« oui » quand le public arrive en HTTPS : cookie protégé (Secure, __Host-) et HSTS."
    )
    proxies: int = _setting(
        0, "BOT_MANDATAIRES", _integer(0, 5), "Nombre de serveurs mandataires de confiance devant l'assistant (X-Forwarded-For)."
    )
    per_minute: int = _setting(
        60,
        "BOT_DEBIT_MINUTE",
        _integer(0, 100_000),
        "Messages permis par minute et par adresse (un long texte : plusieurs) ; 0 : aucune limite.",
    )
    per_hour: int = _setting(
        600, "BOT_DEBIT_HEURE", _integer(0, 1_000_000), "Messages permis par heure et par adresse ; 0 : pas de limite."
    )
    max_body: int = _setting(131_072, "BOT_TAILLE_MAX", _integer(1_024, 10_485_760), "Taille maximale d'un envoi, en octets.")
    max_batch_body: int = _setting(
        4_194_304, "BOT_TAILLE_MAX_LOT", _integer(1_024, 104_857_600), "Taille maximale d'un lot ou d'une liste de l'API, en octets."
    )
    keys_file: str = _setting(
        "", "BOT_CLES", str.strip, "Fichier des clés de l'API, gardées hachées (voir « bot cles ») ; vide : pas de clés."
    )
    session_minutes: int = _setting(
        30, "BOT_SESSION_MINUTES", _integer(1, 1_440), "Durée, en minutes sans message, après laquelle une conversation est effacée."
    )
    max_sessions: int = _setting(
        2_000,
        "BOT_SESSIONS_MAX",
        _integer(1, 1_000_000),
        "Nombre de conversations gardées en mémoire ; au-delà, l'adresse qui en a ouvert le plus perd d'abord les siennes.",
    )
    redis: str = _setting(
        "", "BOT_REDIS", _redis, "Redis partagé par plusieurs processus (redis://…) : conversations et débits ; vide : un seul processus."
    )
    agent_seconds: float = _setting(
        4.0, "BOT_DELAI_AGENT", _seconds(0.05, 60), "Secondes laissées à l'agent Rasa avant que le routeur simple réponde."
    )
    router_seconds: float = _setting(
        20.0, "BOT_DELAI_ROUTEUR", _seconds(0.05, 120), "Secondes laissées au routeur simple, chargement compris."
    )
    theme: str = _setting("neutre", "BOT_THEME", _theme, "Thème de la page : neutre, ou dsfr pour un site de l'État.")
    dsfr: str = _setting(
        "", "BOT_DSFR", str.strip, "Dossier « dsfr/dist » du DSFR installé par vos soins ; lu seulement avec BOT_THEME=dsfr."
    )

    base: str = _setting(
        "", "BOT_BASE", _database, "Adresse de la base de l'atelier (SQLAlchemy) ; vide : le fichier var/atelier.db.", secret=True
    )
    retention_days: int = _setting(
        90, "BOT_CONSERVATION_JOURS", _integer(1, 3_650), "Jours pendant lesquels les messages masqués sont gardés pour l'atelier."
    )
    checked_one_in: int = _setting(
        20,
        "BOT_CONTROLE",
        _integer(0, 100_000),
        "Un message sur ce nombre, tiré au hasard parmi les réponses sûres, est gardé masqué 7 jours pour être contrôlé ; 0 : aucun.",
    )
    second_reader: bool = _setting(
        False,
        "BOT_RELECTURE",
        _boolean,
        "« oui » : personne ne rattache un message, ne publie un brouillon ni ne met un modèle en service seul.",
    )

    gate_wrong_doors: float = _setting(
        0.5, "BOT_MARGE_MAUVAISES_PORTES", _points, "Hausse permise des mauvaises portes, en points, pour mettre un modèle en service."
    )
    gate_worst_service: float = _setting(
        3.0, "BOT_MARGE_SERVICE", _points, "Baisse permise pour un service, en points, pour mettre un modèle en service."
    )
    gate_out_of_scope: float = _setting(
        2.0, "BOT_MARGE_HORS_SUJET", _points, "Baisse permise des messages sans demande reconnus, en points."
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read and check the environment.

        Raises:
            SettingsError: one or more variables make no sense; the message lists them all.
        """
        source = os.environ if environment is None else environment
        values: dict[str, Any] = {}
        mistakes = []
        for each in fields(cls):
            variable = each.metadata["variable"]
            if variable not in source:
                continue
            try:
                values[each.name] = each.metadata["read"](source[variable])
            except ValueError as error:
                given = "…" if each.metadata["secret"] else repr(source[variable])
                mistakes.append(f"- {variable}={given} : {error}.")
        if mistakes:
            raise SettingsError("\n".join([f"Réglages incorrects ({len(mistakes)}) :", *mistakes]))
        return cls(**values)

    @classmethod
    def describe(cls) -> tuple[tuple[str, str, str], ...]:
        """Return (variable, default value, French sentence) for each setting."""
        return tuple((f.metadata["variable"], _shown(f.default), f.metadata["help"]) for f in fields(cls))


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "oui" if value else "non"
    if isinstance(value, tuple):
        return " ".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)
