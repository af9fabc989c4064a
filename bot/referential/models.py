"""Typed, immutable models of the referential: who does what, and where to knock."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from enum import StrEnum

from pydantic import BaseModel, Field

from bot.referential.directory import Directory

Day = date
"""A civil day, for records that have a field called ``date``."""


class Audience(StrEnum):
    """Who a topic concerns."""

    CITOYEN = "citoyen"
    PARTENAIRE = "partenaire"
    AGENT = "agent"


class _Record(BaseModel):
    class Config:
        extra = "forbid"
        frozen = True
        allow_mutation = False


class _Sourced(_Record):
    source: str = Field(min_length=3)
    verifie_le: date
    a_valider: bool = False


class Link(_Record):
    """An official link that is certain.

    Args:
        libelle: what it is called.
        url: where it leads.
        source: the text that was read and gives it; empty when that is the topic's own source or sheet.
        date: day of that text.
    """

    libelle: str
    url: str = Field(regex=r"^https://")
    source: str = ""
    date: Day | None = None


class Sheet(_Record):
    """The national sheet of service-public.gouv.fr that facts are taken from (DILA, Licence Ouverte).

    Args:
        numero: stable number, such as "F1342".
        titre: as published.
        date: day the sheet was last changed by its authors, in the copy that was read.
        espace: part of the site that holds it.
        papiers: whether the topic's list of papers comes from it too, and not from the topic's own source.
    """

    numero: str = Field(regex=r"^[FNR]\d+$")
    titre: str = Field(min_length=3)
    date: Day
    espace: str = Field(default="particuliers", regex=r"^(particuliers|professionnels|associations)$")
    papiers: bool = False

    @property
    def url(self) -> str:
        """Address of the sheet."""
        space = "professionnels-entreprises" if self.espace == "professionnels" else self.espace
        return f"https://www.service-public.gouv.fr/{space}/vosdroits/{self.numero}"


class Form(_Record):
    """An official form.

    Args:
        libelle: what it is called.
        numero: such as "cerfa 12669*02"; empty when it has none.
        url: where it is found.
    """

    libelle: str = Field(min_length=3)
    numero: str = ""
    url: str = Field(regex=r"^https://")


class Facts(_Record):
    """What is known of a procedure, in plain sentences; what is unknown is empty.

    The source is the topic's sheet, or the topic's own when it has none.

    Args:
        cout: what it costs.
        delai: how long it takes.
        qui: who may do it: the person, another, a parent.
        comment: online, by post, at a desk.
        rendez_vous: whether one is needed, and how to get it.
        recours: what to do after a refusal.
        formulaire: the form to fill.
        verifie_le: day somebody checked these facts again, after the date of the sheet.
    """

    cout: str = ""
    delai: str = ""
    qui: str = ""
    comment: str = ""
    rendez_vous: str = ""
    recours: str = ""
    formulaire: Form | None = None
    verifie_le: Day | None = None

    def said(self) -> Mapping[str, str]:
        """Return the sentences that are known, by kind of fact (:data:`FACT_KINDS`)."""
        return {kind: getattr(self, kind) for kind in FACT_KINDS if getattr(self, kind)}


FACT_KINDS = ("cout", "delai", "rendez_vous", "comment", "qui", "recours")
"""Facts told in a sentence, in the order they are shown."""


class AgeLimit(_Record):
    """How long a kind of fact stays good.

    Args:
        id: "sujet", "guichet", "formulaire" or one of :data:`FACT_KINDS`.
        mois: months after which it is to be checked again.
    """

    id: str
    mois: int = Field(ge=1, le=120)


class Address(_Record):
    """Postal address, with the field names of the DILA directory."""

    type_adresse: str = "Adresse"
    complement1: str = ""
    complement2: str = ""
    numero_voie: str = ""
    service_distribution: str = ""
    code_postal: str = ""
    nom_commune: str = ""
    pays: str = ""
    longitude: str = ""
    latitude: str = ""
    accessibilite: str = ""
    note_accessibilite: str = ""


class Phone(_Record):
    valeur: str
    description: str = ""


class Website(_Record):
    libelle: str = ""
    valeur: str


class OpeningSlot(_Record):
    """One line of opening hours; days in French, hours ``HH:MM[:SS]``."""

    nom_jour_debut: str
    nom_jour_fin: str
    valeur_heure_debut_1: str
    valeur_heure_fin_1: str
    valeur_heure_debut_2: str = ""
    valeur_heure_fin_2: str = ""
    commentaire: str = ""


class OseBlock(_Record):
    """The one block that is ours: kept apart so that a DILA export stays clean."""

    dis: str | None = None
    service: str | None = None
    guichet_unique: bool = False
    zone: tuple[str, ...] = ()
    annuaire: str = ""
    """Its place in the directory: an id, or a type when it depends on the commune."""
    parmi: tuple[str, ...] = ()
    """Insee codes of the communes that have such a place, when not all places of that type do."""
    source: str
    date_source: str | None = None
    verifie_le: date | None = None
    verifie_par: str | None = None
    confiance: str = Field(regex=r"^(haute|moyenne|faible)$")
    a_verifier: bool = False


class EntryPoint(_Record):
    """A front desk, with the DILA field names (dossier de faits § 3.2)."""

    id: str
    nom: str
    sigle: str = ""
    type_service_local: str = ""
    adresse: tuple[Address, ...] = ()
    telephone: tuple[Phone, ...] = ()
    adresse_courriel: tuple[str, ...] = ()
    formulaire_contact: tuple[str, ...] = ()
    site_internet: tuple[Website, ...] = ()
    plage_ouverture: tuple[OpeningSlot, ...] = ()
    commentaire_plage_ouverture: str = ""
    information_complementaire: str = ""
    x_ose: OseBlock

    @property
    def depends_on_commune(self) -> bool:
        """Whether it stands for a sort of place, such as a town hall, and not for one place."""
        return bool(self.x_ose.annuaire) and "-" not in self.x_ose.annuaire


class Closure(_Record):
    """Days on which a place is closed, public holidays aside.

    Args:
        lieu: id of a desk, or of a place of the directory.
        du: first day closed.
        au: last day closed.
        motif: why, as the public reads it.
        source: who said so.
    """

    id: str = Field(regex=r"^[a-z][a-z0-9_]+$")
    lieu: str
    du: date
    au: date
    motif: str = ""
    source: str = Field(min_length=3)


class Delegation(_Sourced):
    """One of the interservice delegations (DIS), the front desk, or the outside."""

    id: str
    nom: str
    nom_clair: str
    mission: str
    en_bref: str = Field(min_length=3)
    guichet: str


class Service(_Sourced):
    """A State service (or a body outside) attached to one delegation."""

    id: str
    delegation: str
    nom: str
    sigle: str = ""
    nom_clair: str
    nom_actuel: str = ""
    date_bascule: str = ""
    anciens_noms: tuple[str, ...] = ()
    guichet: str
    contact_partenaire: str = ""
    """Desk of the service itself, that partners reach beside the single entry point; empty when there is none."""


class AssociatedService(_Record):
    service: str
    raison: str


class PartnerAdvice(_Record):
    """What a partner (mairie, company, notaire…) hears instead of the citizen's words."""

    premier_geste: str = Field(min_length=3)
    precisions: tuple[str, ...] = ()
    a_apporter: tuple[str, ...] = ()


class Topic(_Sourced):
    """One thing people ask for, and the one door for it.

    Args:
        apres_urgence: dangers after which this door makes sense, once the call is over.
    """

    id: str = Field(regex=r"^[a-z][a-z0-9_]+$")
    libelle: str
    apres_urgence: tuple[str, ...] = ()
    public: tuple[Audience, ...]
    premier_geste: str = Field(min_length=3)
    precisions: tuple[str, ...] = ()
    a_apporter: tuple[str, ...] = ()
    lien: Link | None = None
    sans_page: str = ""
    """Why no exact link is given, said as long as there is none."""
    fiche: Sheet | None = None
    faits: Facts = Facts()
    services_associes: tuple[AssociatedService, ...] = ()
    organisme: str = ""
    guichet: str = ""
    guichets_locaux: Mapping[str, str] = Field(default_factory=dict)
    nom_actuel: str = ""
    partenaire: PartnerAdvice | None = None
    refs: tuple[str, ...] = ()
    anciens_identifiants: tuple[str, ...] = ()
    service: str = ""


class EventDoor(_Record):
    """One door of a life event.

    Args:
        sujet: the topic.
        geste: first step in this event, when the topic's own does not fit.
    """

    sujet: str
    geste: str = ""


class ConversationAct(_Record):
    """A turn that is not a request for one service.

    Args:
        famille: an act, something off topic, too vague to tell, a follow-up question on the door given before ("suite"), or a
            life event that opens several doors ("evenement").
        reponse: what is said; for a follow-up, when no door was given before.
        avec_porte: what is said of a follow-up when a door was given and the referential holds no fact that answers.
        fait: part of the card that answers a follow-up: "contact", "horaires", "pieces", "lien" or one of :data:`FACT_KINDS`.
        indices: words of the topic's own sentences, or of that fact when it says several things, that answer a follow-up.
        portes: doors of a life event, the most pressing first.
        sujet_par_defaut: topic of a follow-up ("vous ouvrez quand ?"), when no door was given before.
    """

    id: str = Field(regex=r"^[a-z][a-z0-9_]+$")
    famille: str = Field(regex=r"^(acte|hors_sujet|vague|suite|evenement)$")
    libelle: str
    reponse: str
    avec_porte: str = ""
    fait: str = Field(default="", regex=rf"^(contact|horaires|pieces|lien|{'|'.join(FACT_KINDS)})?$")
    indices: tuple[str, ...] = ()
    portes: tuple[EventDoor, ...] = ()
    sujet_par_defaut: str | None = None


class Unspoken(_Record):
    """What replaces a call, for somebody who cannot phone.

    Args:
        appels: word that tells to call → what is said instead; empty: the sentence is left out.
        secours: words of the sentences that speak of a danger.
        danger: said in place of those.
        situation: the emergency situation whose number is written to.
        relayes: numbers that this one stands for.
        autres: said of the other numbers of a danger.
        courriel, formulaire, poste, sur_place, site, rien: first step, by the best way that the desk has.
        personne: said before the front desk, when a sentence that told to call it was left out.
    """

    appels: Mapping[str, str]
    secours: tuple[str, ...]
    danger: str
    situation: str
    relayes: tuple[str, ...]
    autres: str
    courriel: str
    formulaire: str
    poste: str
    sur_place: str
    site: str
    rien: str
    personne: str


class Need(_Sourced):
    """What a person cannot do: remembered, and every answer bends to it.

    Args:
        numero: its place in the code that a person carries away; never changed, never given to another.
        phrases: plain words (no accent, no apostrophe) that tell it by themselves.
        mots: plain words that tell it in a message read as a question of access.
        reponse: said when no door was given yet.
        avec_porte: said of the door given before.
        note: said after each door that follows.
        sans_appel: what replaces a call.
    """

    id: str = Field(regex=r"^[a-z][a-z0-9_]+$")
    numero: int = Field(ge=0, le=9)
    libelle: str
    phrases: tuple[str, ...]
    mots: tuple[str, ...] = ()
    reponse: str
    avec_porte: str
    note: str = ""
    sans_appel: Unspoken | None = None


class ForeignLanguage(_Record):
    """What is said around a door in another language.

    Args:
        id: BCP 47 tag.
        introduction: said first.
        telephone, adresse, courriel, site: names of the facts.
        suite: says that the card follows in French.
        relu_par: who speaks it and read every sentence; empty until somebody did.
    """

    id: str = Field(regex=r"^(en|es|pt|ar|uk|de)$")
    introduction: str
    telephone: str
    adresse: str
    courriel: str
    site: str
    suite: str
    relu_par: str = ""


class DoorWords(_Record):
    """A door in one language: its name, its first step, and the words that tell it."""

    libelle: str = Field(min_length=2)
    geste: str = Field(min_length=5)
    mots: tuple[str, ...]


class ForeignDoor(_Record):
    """A topic in each of the languages: all are needed."""

    sujet: str
    en: DoorWords
    es: DoorWords
    pt: DoorWords
    ar: DoorWords
    uk: DoorWords
    de: DoorWords

    @property
    def id(self) -> str:
        """The topic: one door each."""
        return self.sujet

    @property
    def words(self) -> Mapping[str, DoorWords]:
        """By BCP 47 tag."""
        return {name: getattr(self, name) for name in self.__fields__ if name != "sujet"}


class GlossaryEntry(_Record):
    terme: str
    sigle: bool = False
    clair: str
    aussi: tuple[str, ...] = ()


class Menu(_Record):
    """The choices offered when a message names a thing but not what is wanted of it (« un permis svp »)."""

    id: str = Field(regex=r"^[a-z][a-z0-9_]+$")
    mots: tuple[str, ...] = ()
    choix: tuple[str, ...]


class EmergencyNumber(_Record):
    numero: str
    nom: str
    sens: str
    source: str
    verifie_le: date
    pied_de_page: bool = False
    sms: bool = False


class EmergencySituation(_Record):
    """A danger, and whom to call first.

    Args:
        seule: whether nothing at all is shown behind the numbers.
    """

    id: str
    libelle: str
    numeros: tuple[str, ...]
    consigne: str = ""
    seule: bool = False


class Referential(_Record):
    """All of it, checked as a whole. Built by :func:`bot.referential.load_referential`."""

    delegations: Mapping[str, Delegation]
    services: Mapping[str, Service]
    topics: Mapping[str, Topic]
    acts: Mapping[str, ConversationAct]
    entry_points: Mapping[str, EntryPoint]
    needs: Mapping[str, Need]
    foreign_languages: Mapping[str, ForeignLanguage]
    foreign_doors: Mapping[str, ForeignDoor]
    glossary: tuple[GlossaryEntry, ...]
    menus: tuple[Menu, ...]
    age_limits: Mapping[str, AgeLimit]
    closures: tuple[Closure, ...]
    emergency_numbers: Mapping[str, EmergencyNumber]
    emergency_situations: Mapping[str, EmergencySituation]
    directory: Directory

    class Config:
        arbitrary_types_allowed = True

    @property
    def aliases(self) -> Mapping[str, str]:
        """Former topic id → today's: what a model or a label made before a topic was renamed or merged still says."""
        return {old: topic.id for topic in self.topics.values() for old in topic.anciens_identifiants}

    @property
    def labels(self) -> Collection[str]:
        """All that a training message may be labelled with: topics and acts."""
        return {**self.topics, **self.acts}.keys()

    def service_of(self, topic_id: str) -> Service:
        """Return the service of a topic; raises ``KeyError`` for an unknown id."""
        return self.services[self.topics[topic_id].service]

    def delegation_of(self, topic_id: str) -> Delegation:
        """Return the delegation of a topic; raises ``KeyError`` for an unknown id."""
        return self.delegations[self.service_of(topic_id).delegation]

    def topics_of(self, service_id: str) -> tuple[Topic, ...]:
        """Return the topics of a service, in the order of its file."""
        return tuple(t for t in self.topics.values() if t.service == service_id)

    def entry_point_of(self, topic_id: str, arrondissement: str = "") -> EntryPoint:
        """Return the desk for a topic: the one of the arrondissement when it has several, else its own, else its service's."""
        topic = self.topics[topic_id]
        if arrondissement in topic.guichets_locaux:
            return self.entry_points[topic.guichets_locaux[arrondissement]]
        return self.entry_points[topic.guichet or self.services[topic.service].guichet]
