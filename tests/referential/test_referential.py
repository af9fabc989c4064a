"""The referential loads, says everything it must, and reports every mistake at once with its file and line."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.base.errors import ReferentialError
from bot.base.paths import ProjectPaths
from bot.dialogue.wording import possible_destinations
from bot.emergency.detector import EmergencyDetector
from bot.learning.corpus import read_jsonl
from bot.referential import Referential, load_referential
from bot.referential.communes import load_gazetteer

SERVICES = {
    "population": "action_sociale travail_emploi_formation jeunesse_sport droits_femmes_egalite titres",
    "territoire": "equipement_agriculture veterinaire architecture_patrimoine environnement",
    "securite": "police_gendarmerie securite_publique securite_civile",
    "logistique": "achats immobilier systemes_information ressources_humaines action_sociale_agents",
    "accueil": "accueil_general",
    "hors_perimetre": "finances justice education inspection_travail mairie departement region protection_sociale "
    "emploi_chomage ddccrf chambres_consulaires reseaux autre_organisme",
}
TRAPS = [f"P{n:02d}" for n in range(1, 91)]
KEPT = ("titres", "mairie", "finances", "jeunesse_sport")
Damage = Callable[[str], str]


def swap(old: str, new: str) -> Damage:
    """Return a change of the first ``old`` into ``new`` that fails when there is none."""

    def change(text: str) -> str:
        assert old in text, f"{old!r} is gone from the file: adapt the test"
        return text.replace(old, new, 1)

    return change


@pytest.fixture
def copy(tmp_path: Path, paths: ProjectPaths) -> Path:
    """A copy of the referential that a test may damage; only a few services keep their topics, to load fast."""
    folder = Path(shutil.copytree(paths.referential, tmp_path / "referentiel"))
    for path in (folder / "sujets").glob("*.yml"):
        if path.stem not in KEPT:
            path.write_text("sujets: []\n", encoding="utf-8")
    return folder


def damage(folder: Path, name: str, change: Damage) -> None:
    path = folder / name
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


def problems_of(folder: Path) -> list[tuple[str, int, str]]:
    with pytest.raises(ReferentialError) as caught:
        load_referential(folder)
    return [(p.fichier, p.ligne, p.message) for p in caught.value.problems]


def line_of(folder: Path, name: str, piece: str) -> int:
    lines = (folder / name).read_text(encoding="utf-8").split("\n")
    return next(i for i, line in enumerate(lines, start=1) if piece in line)


# What is there


def test_every_service_of_the_design_is_there_under_its_delegation(referential: Referential) -> None:
    expected = {service: dis for dis, names in SERVICES.items() for service in names.split()}
    assert {s.id: s.delegation for s in referential.services.values()} == expected


def test_every_delegation_of_the_design_is_there(referential: Referential) -> None:
    assert set(referential.delegations) == set(SERVICES)


def test_every_topic_has_a_source_a_date_and_a_first_step(referential: Referential) -> None:
    poor = [
        t.id
        for t in referential.topics.values()
        if not (len(t.source) >= 3 and t.verifie_le and t.premier_geste.strip() and t.libelle.strip())
    ]
    assert poor == []


def test_every_service_has_topics(referential: Referential) -> None:
    assert [s for s in referential.services if not referential.topics_of(s)] == []


def test_topics_outside_name_the_body(referential: Referential) -> None:
    outside = [t for t in referential.topics.values() if referential.service_of(t.id).delegation == "hors_perimetre"]
    assert outside
    assert [t.id for t in outside if not t.organisme.strip()] == []


def test_every_conversation_act_has_an_answer(referential: Referential) -> None:
    assert [a.id for a in referential.acts.values() if not a.reponse.strip()] == []


def test_first_steps_are_addressed_to_the_reader(referential: Referential) -> None:
    """A first step follows "service : " in the answer: a short order, that starts in lower case."""
    wrong = [t.id for t in referential.topics.values() if not t.premier_geste[0].islower() or not t.premier_geste.endswith((".", "?", "!"))]
    assert wrong == []


@pytest.mark.parametrize("trap", TRAPS)
def test_every_trap_is_answered(trap: str, referential: Referential, detector: EmergencyDetector, paths: ProjectPaths) -> None:
    if any(trap in topic.refs for topic in referential.topics.values()):
        return
    row = next(r for r in read_jsonl(paths.test_sets / "pieges.jsonl") if r["id"] == trap)
    assert detector.detect(str(row["texte"])), f"{trap} is in no refs and is no emergency"


def test_possible_destinations_are_all_known(referential: Referential) -> None:
    for destination in possible_destinations(referential):
        assert destination.dis in referential.delegations
        assert destination.service is None or referential.services[destination.service].delegation == destination.dis
        assert destination.sujet is None or referential.topics[destination.sujet].service == destination.service


def test_links_are_official_and_safe(referential: Referential) -> None:
    assert [t.id for t in referential.topics.values() if t.lien and not t.lien.url.startswith("https://")] == []


def test_look_ups(referential: Referential) -> None:
    assert referential.service_of("hygiene_restaurant_signalement").id == "veterinaire"
    assert referential.delegation_of("hygiene_restaurant_signalement").id == "territoire"
    assert [t.id for t in referential.topics_of("achats")] == [t.id for t in referential.topics.values() if t.service == "achats"]
    with pytest.raises(KeyError):
        referential.service_of("nexiste_pas")


# Immutable


@pytest.mark.parametrize("field", ["delegations", "services", "topics", "glossary"])
def test_the_referential_cannot_be_reassigned(referential: Referential, field: str) -> None:
    with pytest.raises(TypeError):
        setattr(referential, field, {})


def test_a_record_cannot_be_changed(referential: Referential) -> None:
    with pytest.raises(TypeError):
        referential.services["mairie"].nom = "autre"  # type: ignore[misc]


def test_a_table_cannot_be_changed(paths: ProjectPaths) -> None:
    own = load_referential(paths.referential)
    with pytest.raises(TypeError):
        own.topics["intrus"] = next(iter(own.topics.values()))  # type: ignore[index]


# Mistakes

MISTAKES: dict[str, tuple[str, Damage, str, str]] = {
    # name: (file, change, piece of the line to point to, piece of the message)
    "missing field": (
        "sujets/titres.yml",
        swap('  libelle: "Faire ou refaire une carte d\'identité"\n', ""),
        "- id: carte_identite",
        "libelle",
    ),
    "unknown field": (
        "sujets/titres.yml",
        swap("  public: [citoyen]", "  couleur: bleu\n  public: [citoyen]"),
        "couleur: bleu",
        "n'existe pas",
    ),
    "unknown audience": ("sujets/titres.yml", swap("public: [citoyen]", "public: [martien]"), "[martien]", "public"),
    "duplicate topic": (
        "sujets/titres.yml",
        swap("- id: passeport", "- id: carte_identite"),
        '  libelle: "Faire ou renouveler un passeport"',
        "existe déjà",
    ),
    "unknown desk": ("sujets/titres.yml", swap("guichet: mairie_titres", "guichet: guichet_fantome"), "guichet_fantome", "guichet_fantome"),
    "unknown desk of a service": (
        "services.yml",
        swap("guichet: dis_population", "guichet: guichet_fantome"),
        "guichet_fantome",
        "guichet_fantome",
    ),
    "unknown delegation": ("services.yml", swap("delegation: population", "delegation: nulle_part"), "nulle_part", "nulle_part"),
    "unknown associated service": ("sujets/titres.yml", swap("{service: mairie,", "{service: personne,"), "services_associes:", "personne"),
    "bad date": ("sujets/titres.yml", swap("verifie_le: 2026-11-24", "verifie_le: hier"), "verifie_le: hier", "date"),
    "http link": ("sujets/titres.yml", swap("https://passeport.ants", "http://passeport.ants"), "http://passeport.ants", "url"),
    "empty audience": ("sujets/titres.yml", swap("public: [citoyen]", "public: []"), "public: []", "public"),
    "a word for a list": ("sujets/titres.yml", swap("public: [citoyen]", "public: citoyen"), "public: citoyen", "liste"),
    "topic named like an act": ("sujets/titres.yml", swap("- id: carte_identite", "- id: saluer"), "- id: saluer", "acte"),
    "a record that is a word": ("sujets/titres.yml", swap("- id: carte_identite", "- rien\n- id: carte_identite"), "- rien", "fiche"),
    "unknown local desk": (
        "sujets/jeunesse_sport.yml",
        swap("Figeac: greffe_associations_figeac", "Figeac: greffe_fantome"),
        "greffe_fantome",
        "greffe_fantome",
    ),
    "unknown arrondissement": (
        "sujets/jeunesse_sport.yml",
        swap("Figeac: greffe_associations_figeac", "Rodez: greffe_associations_figeac"),
        "Rodez",
        "arrondissement",
    ),
    "bad identifier": ("sujets/titres.yml", swap("- id: carte_identite", "- id: Carte d'identité"), "Carte d'identité", "id"),
    "key written twice": (
        "sujets/titres.yml",
        swap("  public: [citoyen]", "  public: [citoyen]\n  public: [agent]"),
        "[agent]",
        "deux fois",
    ),
    "unknown emergency number": ("urgences.yml", swap('numeros: ["18", "112"]', 'numeros: ["18", "999"]'), '"999"', "999"),
    "source left blank": (
        "sujets/titres.yml",
        swap('  source: "Dossier de faits § 1.1.5, P34 [S23]"', '  source: ""'),
        'source: ""',
        "source",
    ),
    "unknown choice of a menu": (
        "menus.yml",
        swap("carte_identite, carte_grise_achat", "carte_fantome, carte_grise_achat"),
        "carte_fantome",
        "carte_fantome",
    ),
    "unknown default topic of an act": (
        "conversation.yml",
        swap("sujet_par_defaut: accueil_horaires", "sujet_par_defaut: accueil_fantome"),
        "accueil_fantome",
        "accueil_fantome",
    ),
    "a menu of one choice": (
        "menus.yml",
        swap("choix: [naturalisation, certificat_nationalite]", "choix: [naturalisation]"),
        "[naturalisation]",
        "quatre",
    ),
    "first step left blank": (
        "sujets/titres.yml",
        swap('premier_geste: "prenez rendez-vous dans une mairie équipée, même hors de chez vous."', 'premier_geste: ""'),
        'premier_geste: ""',
        "premier_geste",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_reported_with_its_file_and_line(name: str, copy: Path) -> None:
    file, change, where, message = MISTAKES[name]
    damage(copy, file, change)
    found = problems_of(copy)
    here = [(line, text) for fichier, line, text in found if fichier == f"data/referentiel/{file}" and message in text]
    assert here, found
    expected = line_of(copy, file, where)
    assert any(abs(line - expected) <= 1 for line, _ in here), (here, expected)


def test_broken_yaml_is_reported(copy: Path) -> None:
    damage(copy, "glossaire.yml", swap("glossaire:", "glossaire: [\n"))
    assert any(f == "data/referentiel/glossaire.yml" and line > 0 and "YAML" in m for f, line, m in problems_of(copy))


def test_a_file_that_is_not_utf8_is_reported(copy: Path) -> None:
    (copy / "glossaire.yml").write_bytes(b'glossaire:\n- terme: "\xe9t\xe9"\n')
    assert any("UTF-8" in m for f, _, m in problems_of(copy) if f.endswith("glossaire.yml"))


@pytest.mark.parametrize("text", ["", "rien", "- 1\n- 2\n", "glossaire: 12\n", "autre: []\n", "null\n"])
def test_a_file_of_another_shape_is_reported(copy: Path, text: str) -> None:
    (copy / "glossaire.yml").write_text(text, encoding="utf-8")
    assert any(f.endswith("glossaire.yml") and "glossaire:" in m for f, _, m in problems_of(copy))


def test_a_body_outside_without_a_name_is_reported(copy: Path) -> None:
    path = copy / "sujets" / "finances.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"\n  organisme: [^\n]*", "", text, count=1), encoding="utf-8")
    assert [m for f, line, m in problems_of(copy) if f.endswith("finances.yml") and line > 0 and "organisme" in m]


@pytest.mark.parametrize("name", ["delegations.yml", "services.yml", "guichets.yml", "urgences.yml", "sujets/titres.yml"])
def test_a_missing_file_is_reported(copy: Path, name: str) -> None:
    (copy / name).unlink()
    assert any(name in m or name in f for f, _, m in problems_of(copy) if "manque" in m)


def test_a_file_of_no_service_is_reported(copy: Path) -> None:
    shutil.copy(copy / "sujets" / "titres.yml", copy / "sujets" / "titres_bis.yml")
    assert any(f.endswith("titres_bis.yml") for f, _, _ in problems_of(copy))


def test_all_the_mistakes_of_all_files_come_at_once(copy: Path) -> None:
    damage(copy, "sujets/titres.yml", swap("guichet: mairie_titres", "guichet: fantome_un"))
    damage(copy, "sujets/titres.yml", swap("public: [citoyen]", "public: []"))
    damage(copy, "sujets/mairie.yml", swap("libelle:", "libellé:"))
    damage(copy, "services.yml", swap("guichet: dis_territoire", "guichet: fantome_deux"))
    with pytest.raises(ReferentialError) as caught:
        load_referential(copy)
    said = str(caught.value)
    for piece in ("public", "libellé", "fantome_deux", "titres.yml:", "mairie.yml:", "services.yml:"):
        assert piece in said, said
    assert {p.fichier for p in caught.value.problems} >= {
        "data/referentiel/sujets/titres.yml",
        "data/referentiel/sujets/mairie.yml",
        "data/referentiel/services.yml",
    }
    assert [str(p) for p in caught.value.problems if not re.search(r"\.yml:\d+ : .+", str(p))] == []


def test_two_keys_written_twice_are_both_reported(copy: Path) -> None:
    twice = swap("  public: [citoyen]\n  premier", "  public: [citoyen]\n  public: [agent]\n  premier")
    damage(copy, "sujets/titres.yml", twice)
    damage(copy, "sujets/titres.yml", twice)
    assert sum("deux fois" in m for _, _, m in problems_of(copy)) == 2


def test_a_broken_file_is_reported_once(copy: Path) -> None:
    (copy / "urgences.yml").write_text("numeros: [", encoding="utf-8")
    found = [p for p in problems_of(copy) if p[0].endswith("urgences.yml")]
    assert len(found) == 1, found


def test_a_missing_table_of_communes_is_reported(copy: Path) -> None:
    (copy / "communes_lot.csv").unlink()
    with pytest.raises(ReferentialError, match=r"communes_lot\.csv"):
        load_gazetteer(copy)


def test_an_incomplete_commune_is_reported_with_its_line(copy: Path) -> None:
    damage(copy, "communes_lot.csv", swap("46002,Albiac,", "46002,,"))
    with pytest.raises(ReferentialError, match=r"communes_lot\.csv:3"):
        load_gazetteer(copy)
