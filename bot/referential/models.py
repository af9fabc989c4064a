"""Typed, immutable models of the referential: who does what, and where to knock."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from enum import StrEnum

from pydantic import BaseModel, Field

from bot.referential.directory import Directory


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
    """An official link that is certain."""

    libelle: str
    url: str = Field(regex=r"^https://")


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
    """One thing people ask for, and the one door for it."""

    id: str = Field(regex=r"^[a-z][a-z0-9_]+$")
    libelle: str
    public: tuple[Audience, ...]
    premier_geste: str = Field(min_length=3)
    precisions: tuple[str, ...] = ()
    a_apporter: tuple[str, ...] = ()
    lien: Link | None = None
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
        fait: part of the card that answers a follow-up: "contact", "horaires", "pieces" or "lien".
        indices: words of the topic's own sentences that answer a follow-up.
        portes: doors of a life event, the most pressing first.
        sujet_par_defaut: topic of a follow-up ("vous ouvrez quand ?"), when no door was given before.
    """

    id: str = Field(regex=r"^[a-z][a-z0-9_]+$")
    famille: str = Field(regex=r"^(acte|hors_sujet|vague|suite|evenement)$")
    libelle: str
    reponse: str
    avec_porte: str = ""
    fait: str = Field(default="", regex=r"^(contact|horaires|pieces|lien)?$")
    indices: tuple[str, ...] = ()
    portes: tuple[EventDoor, ...] = ()
    sujet_par_defaut: str | None = None


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
    id: str
    libelle: str
    numeros: tuple[str, ...]
    consigne: str = ""


class Referential(_Record):
    """All of it, checked as a whole. Built by :func:`bot.referential.load_referential`."""

    delegations: Mapping[str, Delegation]
    services: Mapping[str, Service]
    topics: Mapping[str, Topic]
    acts: Mapping[str, ConversationAct]
    entry_points: Mapping[str, EntryPoint]
    glossary: tuple[GlossaryEntry, ...]
    menus: tuple[Menu, ...]
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
