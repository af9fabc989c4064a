"""The ``bot`` command: serve, train, route, chat, check, evaluate. Everything it prints is in French."""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import os
import queue
import re
import sys
import threading
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from bot.base.errors import AssistantError, BadMessage, SettingsError
from bot.base.paths import project_paths
from bot.cli.backups import add_commands as add_backup_commands
from bot.cli.conversations import add_commands as add_conversation_commands
from bot.cli.models import add_commands as add_model_commands
from bot.cli.staff import add_commands

if TYPE_CHECKING:
    from bot.staff.accounts.api_keys import JsonKeyStore

BATCH = 64
OBJECTS = 50_000
"""New objects between two looks for garbage (700 by default in Python)."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code (0 fine, 1 problems found, 2 cannot run)."""
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    # One thread per product of matrices: on a busy machine, two that wait for each other take four times longer.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Tables and models are made once and stay: looking for garbage among them again and again takes a tenth of the start.
    gc.set_threshold(OBJECTS, 10, 10)
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except AssistantError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


class _FrenchParser(argparse.ArgumentParser):
    """Says mistakes in French; what argparse has no French for is answered by the usage alone."""

    _SAID = (
        (r"the following arguments are required: (.*)", r"il manque : \1"),
        (r"argument (.*): invalid choice: (.*) \(choose from (.*)\)", r"\1 : \2 n'existe pas (au choix : \3)"),
        (r"argument (.*): invalid \w+ value: (.*)", r"\1 : \2 n'a pas la forme attendue"),
        (r"argument (.*): expected (?:one|at least one) argument", r"\1 : il manque la valeur"),
        (r"argument (.*): not allowed with argument (.*)", r"\1 ne va pas avec \2"),
        (r"unrecognized arguments: (.*)", r"option ou mot inconnu : \1"),
        (r"ambiguous option: (.*) could match (.*)", r"\1 est ambigu : \2 ?"),
    )

    def error(self, message: str) -> NoReturn:
        """Print the usage and the mistake, and exit with 2."""
        self.print_usage(sys.stderr)
        for english, french in self._SAID:
            match = re.fullmatch(english, message)
            if match:
                self.exit(2, f"{self.prog} : {match.expand(french)}.\n")
        self.exit(2, f"{self.prog} : ces arguments ne conviennent pas. Essayez « {self.prog} --help ».\n")


class _FrenchFormatter(argparse.HelpFormatter):
    def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None = None) -> None:
        super().add_usage(usage, actions, groups, "Usage : " if prefix is None else prefix)


def _parser() -> argparse.ArgumentParser:
    def french(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
        parser._positionals.title = "arguments"
        parser._optionals.title = "options"
        for action in parser._actions:
            if action.dest == "help":
                action.help = "affiche cette aide"
        return parser

    parser = french(
        _FrenchParser(
            "bot", description="L'assistant de la préfecture du Lot : une demande, une seule porte.", formatter_class=_FrenchFormatter
        )
    )
    commands = parser.add_subparsers(dest="commande", required=True, metavar="commande", title="commandes")

    def command(name: str, run: Any, help_: str, among: Any = commands) -> argparse.ArgumentParser:
        sub = french(among.add_parser(name, help=help_, description=help_, formatter_class=_FrenchFormatter))
        sub.set_defaults(run=run)
        return sub

    serve = command("serve", _serve, "lance l'assistant sur une page web")
    serve.add_argument("--host", default="127.0.0.1", help="adresse d'écoute (127.0.0.1)")
    serve.add_argument("--port", type=int, default=8000, help="port d'écoute (8000)")
    serve.add_argument("--sans-agent", action="store_true", help="répond par le routeur seul, sans charger Rasa")
    serve.add_argument(
        "--interne", metavar="ADRESSE:PORT", default="", help="ouvre aussi l'atelier du personnel, par exemple sur 127.0.0.1:8001"
    )
    train = command("train", _train, "entraîne le modèle si ses données ont changé")
    train.add_argument("--force", action="store_true", help="entraîne même si rien n'a changé")
    train.add_argument("--routeur-seul", action="store_true", help="n'entraîne pas le modèle Rasa")
    train.add_argument("--candidat", action="store_true", help="entraîne un modèle à comparer, sans toucher à celui qui répond")
    train.add_argument("--auteur", default="bot train", help="avec --candidat : qui le demande")
    train.add_argument("--travail", metavar="NOM", default="", help=argparse.SUPPRESS)
    route = command("route", _route, "donne la porte d'un message, ou de lignes JSON avec --jsonl")
    route.add_argument("message", nargs="?", help="le message, entre guillemets")
    route.add_argument("--jsonl", action="store_true", help='lit des lignes {"id", "texte"} et écrit une réponse par ligne')
    route.add_argument("--profil", choices=["citoyen", "partenaire", "agent"], help="qui pose la question")
    route.add_argument("--json", action="store_true", help="écrit la réponse en JSON")
    route.add_argument("--csv", metavar="FICHIER", help="lit une liste d'objets de dossiers (colonne « objet » ou « texte ») et l'oriente")
    route.add_argument("-o", "--sortie", metavar="FICHIER", help="avec --csv : écrit la liste orientée dans ce fichier")
    chat = command("chat", _chat, "converse dans le terminal")
    chat.add_argument("--profil", choices=["citoyen", "partenaire", "agent"], help="qui parle")
    doctor = command("doctor", _doctor, "dit ce qui ne va pas sur cette machine ou dans les réglages")
    doctor.add_argument("--port", type=int, help="port à vérifier")
    doctor.add_argument("--json", action="store_true", help="écrit le résultat en JSON")
    command("check", _check, "vérifie le référentiel, le corpus et les réponses")
    keys = command("cles", None, "crée, liste ou retire les clés de l'API des partenaires")
    actions = keys.add_subparsers(dest="action", required=True, metavar="action", title="actions", help="ce qu'il faut faire")
    create = command("creer", _keys_create, "crée une clé et l'affiche une seule fois", actions)
    create.add_argument("--nom", required=True, help="à qui elle est donnée, par exemple « Mairie de Figeac »")
    create.add_argument("--par-minute", type=int, default=600, help="messages permis par minute (600) ; 0 : pas de limite")
    command("lister", _keys_list, "liste les clés, sans leur secret", actions)
    revoke = command("retirer", _keys_revoke, "retire une clé ; l'effet est immédiat", actions)
    revoke.add_argument("identifiant", help="les huit caractères donnés par « bot cles lister »")
    evaluate = command("evaluate", _evaluate, "mesure l'assistant sur des messages jamais vus")
    evaluate.add_argument("--json", metavar="FICHIER", help="écrit aussi toutes les mesures dans ce fichier")
    evaluate.add_argument("--rapport", metavar="FICHIER", help="écrit le rapport en Markdown dans ce fichier, avec ses graphiques")
    evaluate.add_argument("--erreurs", metavar="FICHIER", help="écrit les messages mal orientés dans ce fichier")
    add_commands(command)
    add_model_commands(command)
    add_backup_commands(command)
    add_conversation_commands(command)
    return parser


def _say(sentence: str) -> None:
    print(f"· {sentence}", file=sys.stderr, flush=True)


def _serve(arguments: argparse.Namespace) -> int:
    from bot.learning.freshness import is_detector_current, needs_training

    if needs_training(project_paths()):
        _train(argparse.Namespace(force=False, routeur_seul=arguments.sans_agent, candidat=False))
    elif not is_detector_current(project_paths()):
        _train_detector(force=False)
    threading.Thread(target=_read_ahead, name="encodeurs", daemon=True).start()
    from bot.web.server import run_server

    run_server(arguments.host, arguments.port, with_agent=not arguments.sans_agent, internal=arguments.interne)
    return 0


def _read_ahead() -> None:
    """Read the encoders while the modules of the server are imported; what fails here is said by whoever needs them."""
    from bot.learning.store import read_encoders

    with contextlib.suppress(AssistantError, OSError):
        read_encoders(project_paths().router_model)


def _train_detector(force: bool) -> None:
    from bot.learning.emergencies import ensure_detector
    from bot.learning.store import one_at_a_time

    paths = project_paths()
    with one_at_a_time(paths.models):
        ensure_detector(paths, _say, force=force)


def _train(arguments: argparse.Namespace) -> int:
    from bot.learning.store import one_at_a_time
    from bot.learning.tuning import ensure_model

    if arguments.candidat:
        return _train_candidate(arguments)
    paths = project_paths()
    _train_detector(arguments.force)
    with one_at_a_time(paths.models):
        stored = ensure_model(paths, _say, force=arguments.force)
        if not arguments.routeur_seul:
            from bot.rasa.training import ensure_rasa_model

            ensure_rasa_model(paths, _say, force=arguments.force)
    print(f"Modèle du {stored.manifest['date']} : {stored.manifest['messages']} messages, {stored.manifest['sujets']} sujets.")
    return 0


def _train_candidate(arguments: argparse.Namespace) -> int:
    """Train apart. With ``--travail`` the workshop's queue reads one JSON object a line, and its end is ours."""
    if arguments.travail:
        from bot.staff.candidates.lifeline import end_with_parent

        end_with_parent()
    from bot.base.paths import ProjectPaths
    from bot.staff.candidates.candidate import copy_tree, link_live, train_candidate
    from bot.staff.candidates.registry import ModelRegistry
    from bot.staff.candidates.work_folders import remove_work, work_folder

    def tell(**said: Any) -> None:
        if arguments.travail:
            print(json.dumps(said, ensure_ascii=False), flush=True)
        elif "message" in said:
            _say(said["message"])

    paths = ProjectPaths(project_paths().root, project_paths().models)
    work = work_folder(paths, arguments.travail or f"commande-{os.getpid()}")
    try:
        ModelRegistry(paths).adopt()
        tell(message="copie des fichiers")
        copied = ProjectPaths(copy_tree(paths, work).root, work / "modeles")
        card = train_candidate(paths, copied, arguments.auteur, lambda sentence: tell(message=sentence))
        tell(candidat=card.id, message=f"modèle {card.id} prêt à comparer")
        if not arguments.routeur_seul:
            from bot.rasa.training import ensure_rasa_model

            link_live(copied.models, card)
            ensure_rasa_model(copied, lambda sentence: tell(message=sentence))
    except AssistantError as error:
        tell(erreur=str(error))
        raise
    finally:
        remove_work(work)
    if not arguments.travail:
        print(f"Modèle candidat : {card.id}. Comparez-le avec « bot modele comparer {card.id} ».")
    return 0


def _route(arguments: argparse.Namespace) -> int:
    from bot.learning.loading import load_router

    if arguments.csv:
        return _route_csv(arguments.csv, arguments.sortie, arguments.profil)
    if arguments.jsonl:
        return _route_lines(sys.stdin, sys.stdout, arguments.profil)
    if arguments.message is None:
        raise BadMessage('Donnez un message : bot route "mon message", ou utilisez --jsonl.')
    router = load_router(project_paths())
    decision = router.route(arguments.message, arguments.profil)
    if arguments.json:
        print(json.dumps(decision.as_json(None, arguments.message), ensure_ascii=False))
        return 0
    from bot.dialogue.wording import Writer

    print(f"Décision : {decision.decision.value}" + (f" ({decision.niveau.value})" if decision.niveau else ""))
    for door in decision.destinations:
        print(f"  {door.dis} › {door.service or '?'} › {door.sujet or '?'}  {door.confiance:.0%}")
    print()
    print(Writer(router.referential).reply(decision, arguments.profil).as_text())
    return 0


def _route_lines(source: TextIO, target: TextIO, profile: str | None) -> int:
    from bot.learning.loading import load_router

    router = load_router(project_paths())
    failed = False
    for lines in _batches(source):
        rows: list[dict[str, Any]] = []
        for line in lines:
            rows.append(_read_row(line))
        texts = [r["texte"] for r in rows if "erreur" not in r]
        decisions = iter(router.route_many(texts, profile)) if texts else iter(())
        for row in rows:
            if "erreur" in row:
                failed = True
                answer = row
            else:
                answer = next(decisions).as_json(row["id"], row["texte"])
            text = json.dumps(answer, ensure_ascii=False)
            target.write(text.encode("utf-8", errors="replace").decode("utf-8") + "\n")
        target.flush()
    return 1 if failed else 0


def _route_csv(source: str, target: str | None, profile: str | None) -> int:
    from bot.dialogue.dialogue import Dialogue
    from bot.dialogue.subject_lists import BOM, read_list, route_list, write_rows
    from bot.learning.loading import load_router

    try:
        with open(source, "rb") as stream:
            subjects = read_list(stream.read())
    except OSError as error:
        raise BadMessage(f"Le fichier {source} ne peut pas être lu. Vérifiez son nom et ses droits.") from error
    if target and os.path.exists(target) and os.path.samefile(source, target):
        raise BadMessage("La sortie remplacerait votre liste. Donnez un autre nom après -o.")
    dialogue = Dialogue(load_router(project_paths()))
    try:
        with open(target, "wb") if target else contextlib.nullcontext(sys.stdout.buffer) as output:
            output.write(BOM.encode())
            for rows in route_list(dialogue, subjects, profile):
                output.write(write_rows(rows).encode())
                output.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise BadMessage(f"La sortie {target or ''} ne peut pas être écrite. Vérifiez le dossier, les droits et la place.") from error
    if target:
        _say(f"{len(subjects.rows)} lignes écrites dans {target}.")
    return 0


def _key_store() -> JsonKeyStore:
    from bot.base.settings import Settings
    from bot.staff.accounts.api_keys import JsonKeyStore

    path = Settings.from_environment().keys_file
    if not path:
        raise SettingsError("Dites d'abord où garder les clés : BOT_CLES=/chemin/cles.json, la même valeur que pour le serveur.")
    return JsonKeyStore(Path(path))


def _keys_create(arguments: argparse.Namespace) -> int:
    from bot.staff.accounts.api_keys import create_key

    key, record = create_key(_key_store(), arguments.nom, arguments.par_minute, datetime.now(timezone.utc))
    print(key)
    _say(f"Clé {record.id} créée pour {record.nom}. Notez-la : elle ne sera plus jamais affichée.")
    return 0


def _keys_list(arguments: argparse.Namespace) -> int:
    keys = _key_store().all()
    for key in keys:
        state = f"retirée le {key.retire_le}" if key.retire_le else "valable"
        limit = f"{key.par_minute} par minute" if key.par_minute else "sans limite"
        print(f"{key.id}  {key.nom}  {limit}  créée le {key.cree_le}  {state}")
    if not keys:
        print("Aucune clé.")
    return 0


def _keys_revoke(arguments: argparse.Namespace) -> int:
    from bot.staff.accounts.api_keys import revoke_key

    record = revoke_key(_key_store(), arguments.identifiant, datetime.now(timezone.utc))
    print(f"Clé {record.id} ({record.nom}) retirée.")
    return 0


def _read_row(line: str) -> dict[str, Any]:
    try:
        row = json.loads(line.removeprefix("\ufeff"), parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        return {"id": None, "erreur": f"Cette ligne n'est pas du JSON : erreur à la colonne {error.colno}."}
    except (ValueError, RecursionError):
        return {"id": None, "erreur": "Cette ligne n'est pas du JSON que l'on peut lire."}
    if not isinstance(row, dict):
        return {"id": None, "erreur": 'Cette ligne doit être un objet {"id", "texte"}.'}
    if not isinstance(row.get("texte"), str):
        return {"id": row.get("id"), "erreur": "Il manque « texte », qui doit être une chaîne."}
    return {"id": row.get("id"), "texte": row["texte"]}


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _batches(source: TextIO) -> Iterator[list[str]]:
    """Yield the lines at hand, up to :data:`BATCH`, without ever waiting for a batch to fill."""
    lines: queue.Queue[str | None] = queue.Queue(maxsize=4 * BATCH)

    def read() -> None:
        buffer = getattr(source, "buffer", None)
        for raw in buffer if buffer is not None else source:
            lines.put(raw.decode("utf-8", errors="replace") if isinstance(raw, bytes) else raw)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    ended = False
    while not ended:
        batch: list[str] = []
        line = lines.get()
        while line is not None:
            if line.strip():
                batch.append(line)
            if len(batch) >= BATCH:
                break
            try:
                line = lines.get_nowait()
            except queue.Empty:
                break
        ended = line is None
        if batch:
            yield batch


def _chat(arguments: argparse.Namespace) -> int:
    from bot.dialogue.dialogue import ConversationState, Dialogue
    from bot.learning.loading import load_router

    dialogue = Dialogue(load_router(project_paths()))
    state = ConversationState(profile=arguments.profil)
    print("Écrivez votre demande. Ligne vide pour finir.")
    offered: tuple[Any, ...] = ()
    while True:
        try:
            text = input("> ")
        except EOFError:
            return 0
        if not text.strip():
            return 0
        number = text.strip()
        if offered and number.isdigit() and not 1 <= int(number) <= len(offered):
            print(f"Il n'y a pas de choix {number} : tapez un numéro de 1 à {len(offered)}, ou votre demande avec vos mots.")
            continue
        if offered and number.isdigit():
            turn = dialogue.choose(offered[int(number) - 1].id, state)
        else:
            turn = dialogue.reply(text, state)
        state, offered = turn.state, turn.reply.choices
        print(turn.reply.as_text())
        if offered:
            print(f"(tapez un numéro de 1 à {len(offered)})")


def _doctor(arguments: argparse.Namespace) -> int:
    from bot.cli.doctor import Health, examine

    findings = examine(project_paths(), port=arguments.port)
    if arguments.json:
        print(json.dumps([{"etat": f.health.value, "sujet": f.about, "constat": f.said} for f in findings], ensure_ascii=False, indent=2))
    else:
        for finding in findings:
            print(f"[{finding.health.value}] {finding.about} : {finding.said}")
    return 1 if any(f.health is Health.BROKEN for f in findings) else 0


def _check(arguments: argparse.Namespace) -> int:
    from bot.base.settings import Settings
    from bot.measure.checks import run_checks

    problems, notes = run_checks(project_paths(), date.today(), Settings.from_environment().stale_months)
    for note in notes:
        print(note)
    for problem in problems:
        print(f"- {problem}")
    print(f"{len(problems)} problème(s)." if problems else "Tout est en ordre.")
    return 1 if problems else 0


def _evaluate(arguments: argparse.Namespace) -> int:
    from bot.learning.loading import load_router
    from bot.measure.evaluation import evaluate
    from bot.measure.reports import as_text, write_errors, write_report

    router = load_router(project_paths())
    report = evaluate(router, project_paths().test_sets)
    print(as_text(report))
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as stream:
            json.dump(report, stream, ensure_ascii=False, indent=2)
    if arguments.rapport:
        write_report(report, arguments.rapport)
    if arguments.erreurs:
        write_errors(router, project_paths().test_sets, arguments.erreurs)
    return 0
