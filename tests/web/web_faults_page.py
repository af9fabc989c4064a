"""The faults that the tests cause, in French, and the page of the results."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

FAULTS = {
    "test_the_disk_is_full": (
        "Disque plein, puis libéré",
        "Chacun reçoit sa réponse. Les échanges attendent en mémoire, puis sont écrits une fois chacun.",
    ),
    "test_the_database_goes_and_comes_back": (
        "PostgreSQL arrêté net, puis relancé",
        "Chacun reçoit sa réponse. Les échanges attendent sur le disque, puis sont écrits une fois chacun.",
    ),
    "test_a_process_killed_while_events_wait": (
        "Processus tué (`kill -9`) pendant que des échanges attendent",
        "Le processus suivant les écrit, une fois chacun.",
    ),
    "test_ended_again_and_again_nothing_answered_is_lost": (
        "Processus tué (`kill -9`) ou arrêté (SIGTERM), encore et encore, à 25 messages non compris par seconde",
        "Chaque échange répondu est dans la base, une fois ; chaque arrêt prend moins de 10 secondes.",
    ),
    "test_what_hangs_loses_nothing_and_does_not_keep_from_ending": (
        "PostgreSQL, Redis, puis les deux, bloqués sans rien fermer ; puis SIGTERM pendant ce temps",
        "Chacun reçoit sa réponse. Arrêt en moins de 10 secondes ; chaque échange répondu est dans la base, une fois.",
    ),
    "test_a_corrupt_model_at_start": (
        "Modèle abîmé au démarrage",
        "Il est refait, et l'assistant répond. Rien n'est à faire.",
    ),
    "test_a_corrupt_model_while_serving": (
        "Modèle abîmé mis en service",
        "Il est refusé : l'ancien continue de répondre. Un modèle sain le remplace ensuite.",
    ),
    "test_an_agent_that_raises_or_hangs": (
        "Action qui lève une erreur, ou qui ne finit pas",
        "Le routeur répond à la place de l'agent, dans le délai réglé.",
    ),
    "test_the_referential_is_broken": (
        "Référentiel illisible au démarrage",
        "L'assistant écoute, donne les numéros aux dangers, et le journal dit le fichier et la ligne. Le fichier réparé, il répond "
        "sans être relancé.",
    ),
    "test_an_edited_corpus_never_makes_a_restart_wait": (
        "Corpus changé, puis relance",
        "Il répond tout de suite avec le modèle d'avant, et entraîne le nouveau dans un processus à part.",
    ),
    "test_clocks_that_jump": (
        "Horloge qui saute, en avant ou en arrière",
        "Aucune conversation perdue trop tôt ; le ménage reprend.",
    ),
    "test_a_process_killed_under_load_loses_nothing": (
        "Un processus sur deux tué (`kill -9`) sous la charge",
        "Aucune réponse manquée, aucun échange perdu ni doublé.",
    ),
    "test_a_process_asked_to_stop_ends_what_it_began": (
        "Arrêt propre (SIGTERM) avec des envois en cours",
        "Les envois en cours sont finis ; les suivants vont à l'autre processus.",
    ),
    "test_redis_away_people_are_still_answered": (
        "Redis arrêté, puis relancé",
        "Chacun reçoit sa réponse ; le fil reprend.",
    ),
}
"""Name of the test → the fault, and what is expected."""
_OUTCOMES = {"passed": "tenu", "failed": "**manqué**", "skipped": "non lancé ici"}


def write_page(page: Path, seen: Mapping[str, tuple[str, float]], rounds: int) -> None:
    """Write the results.

    Args:
        page: the Markdown file.
        seen: by test, its outcome and its seconds.
        rounds: how many times a process was killed, and as many times asked to stop.
    """
    rows = [
        f"| {fault} | {expected} | {_OUTCOMES[seen[name][0]]} | {f'{seen[name][1]:.1f}'.replace('.', ',')} s | `{name}` |"
        for name, (fault, expected) in FAULTS.items()
        if name in seen
    ]
    text = f"""# Pannes provoquées

Chaque panne est provoquée sur de vrais processus, lancés pour l'occasion : le serveur, PostgreSQL, Redis, nginx. Cette page \
est refaite par `make faults`. Dernier passage : {date.today():%d/%m/%Y}, {rounds} arrêts de chaque sorte.

| panne | ce qui est attendu | résultat | durée | test (`tests/web/`) |
|---|---|---|---|---|
{chr(10).join(rows)}

## Tué au milieu d'un geste de l'atelier

`BOT_TOURS=200 pytest -n 0 -s tests/staff/test_kills.py` tue sept gestes à des instants tirés au hasard : une phrase \
enregistrée, un brouillon changé, un lot publié, un lot annulé, un modèle mis en service, un retour au précédent, une \
sauvegarde remise en place. La moitié des arrêts tombe juste avant une écriture, l'autre n'importe quand. Après chacun, les \
dangers reçoivent leurs numéros tout de suite ; ce qui se répare seul au démarrage laisse tout l'avant ou tout l'après, avec \
une seule ligne au journal ; et le geste se refait. Le 03/12/2026 : 200 arrêts, 106 restés à l'avant et 94 passés \
à l'après, aucun entre les deux, aucun geste perdu, aucun \
danger sans réponse. Sept arrêts sont faits à chaque passage des tests.

## Ce que ces essais ne disent pas

- Ils durent quelques secondes, sur une seule machine. Une panne d'une semaine remplit la file sur disque (64 Mo par \
processus) ; au-delà, les échanges nouveaux ne sont plus gardés, et le journal compte ceux qui manquent. Les gens reçoivent \
toujours leur réponse.
- Disque plein **et** base absente : les échanges attendent en mémoire (2 000 par processus). Un arrêt du processus à ce moment les perd.
- Une machine coupée net (et non un processus) perd ce que le disque n'avait pas encore reçu : moins d'une seconde d'habitude.
- Le réseau coupé entre deux machines n'est pas essayé.
"""
    page.write_text(text, encoding="utf-8")
