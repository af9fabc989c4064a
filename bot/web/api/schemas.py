"""What the partner API receives and gives: these models check what comes in, and are the source of the OpenAPI document."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, Field, StrictInt, StrictStr, ValidationError

from bot.base.errors import BadMessage

Jour = date
Profile = Literal["citoyen", "partenaire", "agent"]
Decision = Literal["orienter", "clarifier", "hors_perimetre", "urgence", "conversation", "hors_sujet", "incompris"]
Dis = Literal["population", "territoire", "securite", "logistique", "accueil", "hors_perimetre"]
Niveau = Literal["sujet", "service", "dis"]


class Demande(BaseModel):
    """Un message à orienter. Les autres clés sont ignorées."""

    texte: StrictStr = Field(
        description="Le message, avec les mots de la personne.", example="je voudrais refaire le toit près de l'église"
    )
    profil: Profile | None = Field(None, description="Qui pose la question. Certaines réponses changent pour un partenaire.")
    commune: StrictStr | None = Field(
        None, description="Nom ou code Insee de la commune concernée. Elle l'emporte sur celle nommée dans le texte.", example="Figeac"
    )
    id: StrictStr | StrictInt | None = Field(None, description="Rendu tel quel, pour relier la réponse à la demande.", example="m1")


class Destination(BaseModel):
    """Une porte, par ses identifiants."""

    dis: Dis = Field(description="La délégation.")
    service: str | None = Field(..., description="Le service, ou null si seule la délégation est sûre.")
    sujet: str | None = Field(..., description="Le sujet, ou null si seul le service est sûr.")
    confiance: float = Field(ge=0, le=1, description="Probabilité calibrée.")
    extrait: str | None = Field(None, description="Les mots qui y mènent, s'il y a plusieurs demandes.")


class Commune(BaseModel):
    """Un lieu."""

    nom: str
    code_insee: str
    departement: str
    arrondissement: str | None = Field(None, description="Pour les communes du Lot.")
    ancien_nom: str | None = Field(None, description="Le nom écrit, si c'est celui d'une commune fusionnée.")
    homonymes: list[str] | None = Field(None, description="Les autres départements qui ont une commune de ce nom.")


class Lien(BaseModel):
    """Un lien officiel."""

    libelle: str
    url: str


class Origine(BaseModel):
    """D'où viennent des faits."""

    source: str = Field(description="La fiche officielle, ou le texte qui le dit.")
    date: Jour = Field(description="Jour de la fiche ou, si « verifie », de la dernière vérification par une personne.")
    fiche: str | None = Field(..., description="Numéro de la fiche de service-public.gouv.fr, stable.")
    fiche_url: str | None = Field(...)
    verifie: bool = Field(description="Une personne a vérifié ces faits à cette date.")


class Fait(Origine):
    """Un fait d'une démarche, avec sa source et son jour."""

    genre: Literal["cout", "delai", "rendez_vous", "comment", "qui", "recours", "formulaire"]
    nom: str = Field(description="Le genre, en clair.")
    texte: str
    url: str | None = Field(..., description="L'adresse d'un formulaire.")
    a_confirmer: bool = Field(description="Un prix ou un délai que personne n'a vérifié depuis la fiche.")


class Lieu(BaseModel):
    """Un lieu de l'annuaire : où il est, qui le dit et depuis quand."""

    id: str
    code_insee: str = Field(description="De la commune actuelle.")
    latitude: float | None = Field(..., description="En degrés.")
    longitude: float | None = Field(..., description="En degrés.")
    distance_km: float | None = Field(
        ..., description="À vol d'oiseau depuis la mairie de la commune de la personne ; null dans sa commune, ou quand elle est inconnue."
    )
    source: str
    date: str = Field(description="De la donnée : année, mois ou jour.", example="2026-10")
    confiance: str = Field(description="« haute », ou « moyenne » : à confirmer.")


class Fermeture(BaseModel):
    """Une fermeture exceptionnelle, du premier au dernier jour compris."""

    du: date
    au: date
    motif: str
    source: str


class Contact(BaseModel):
    """Un guichet. Ce qui est inconnu est vide, jamais inventé."""

    nom: str
    adresse: list[str]
    telephones: list[str]
    courriels: list[str]
    formulaires: list[str] = Field(description="Adresses de formulaires de contact.")
    sites: list[Lien]
    horaires: str = Field(description="Syntaxe OpenStreetMap « opening_hours » ; vide si inconnus.")
    fermetures: list[Fermeture] = Field(description="Les horaires en tiennent déjà compte.")
    a_confirmer: bool = Field(description="La préfecture doit encore confirmer ces coordonnées.")
    lieu: Lieu | None = Field(..., description="Son lieu dans l'annuaire ; pour une mairie, seulement quand la commune est connue.")
    aussi: list[str] = Field(description="Les autres lieux qui répondent, comme une mairie déléguée.")
    source: str | None = Field(..., description="Qui dit ce que l'on sait du guichet lui-même ; « lieu » a la sienne.")
    date: str | None = Field(..., description="De cette source : une année, deux années, ou un jour.", example="2019-2020")


class ServiceAssocie(BaseModel):
    """Un service concerné en plus du service chef de file."""

    service: str
    nom: str
    raison: str


class Carte(BaseModel):
    """Tout ce qu'il faut pour frapper à une porte."""

    dis: Dis
    service: str | None = Field(...)
    sujet: str | None = Field(...)
    nom_delegation: str
    nom_service: str = Field(description="Le service chef de file, ou l'organisme hors périmètre.")
    libelle: str = Field(description="Le sujet en clair ; vide si seul le service est sûr.")
    premier_geste: str
    phrases: list[str] = Field(description="La réponse, phrase par phrase.")
    a_apporter: list[str] = Field(description="Ce qu'il faut apporter ; pour un partenaire, les pièces du dossier.")
    services_associes: list[ServiceAssocie]
    lien: Lien | None = Field(...)
    origine_lien: Origine | None = Field(..., description="D'où vient « lien » ; null sans lien.")
    faits: list[Fait] = Field(description="Prix, délai, rendez-vous, formulaire… Ce qui est inconnu n'y est pas.")
    inconnu: str = Field(description="Ce que l'on ne sait pas encore (page, prix, délai, papiers), en phrases ; vide si tout est su.")
    origine: Origine | None = Field(..., description="D'où viennent les faits.")
    origine_pieces: Origine | None = Field(..., description="D'où vient « a_apporter » ; null si la liste est vide.")
    contact: Contact = Field(description="Où aller d'abord.")
    entree_unique: Contact | None = Field(..., description="Le guichet unique de la délégation, quand un autre guichet reçoit d'abord.")
    contact_service: Contact | None = Field(..., description="Pour un partenaire : le guichet du service lui-même.")
    nom_actuel: str = Field(description="Nom actuel du service ; vide s'il est inconnu.")
    pourquoi: str = Field(description="Les mots du message qui mènent là ; vide quand c'est tout le message.")
    a_confirmer: bool = Field(description="Les coordonnées sont à confirmer.")
    a_valider: bool = Field(description="La préfecture doit encore valider ce rattachement.")
    source: str | None = Field(...)
    verifie_le: date | None = Field(...)


class Choix(BaseModel):
    """Un choix proposé avec une question."""

    id: str
    libelle: str


class Appel(BaseModel):
    """Un numéro d'urgence."""

    numero: str
    nom: str


class Orientation(BaseModel):
    """La réponse à un message."""

    id: str | int | None = Field(..., description="Celui de la demande, ou null.")
    texte: str = Field(description="Le message reçu.")
    profil: Profile | None = Field(...)
    decision: Decision
    destinations: list[Destination] = Field(description="Une porte ; plusieurs pour plusieurs demandes ; ou les choix d'une question.")
    alternatives: list[Destination] = Field(description="Les portes suivantes, pour information.")
    niveau: Niveau | None = Field(...)
    urgence: list[str] = Field(description="Les numéros à appeler, le bon d'abord.")
    question: str | None = Field(...)
    commune: Commune | None = Field(...)
    acte: str | None = Field(..., description="Acte de conversation ou sorte de non-demande.")
    cartes: list[Carte] = Field(description="Une par porte donnée ; vide pour une question.")
    choix: list[Choix]
    appels: list[Appel]
    consigne: str = Field(description="Ce qu'il faut faire tout de suite, en cas d'urgence.")
    invitation: str = Field(description="Ce qu'il faut dire pour que la carte soit complète ; vide sinon.")
    reponse: str = Field(description="Toute la réponse, en texte simple.")


class LigneFautive(BaseModel):
    """Une ligne d'un lot qui n'a pas pu être lue ; les autres continuent."""

    id: str | int | None = Field(...)
    ligne: int = Field(ge=1, description="Rang de la ligne dans le lot.")
    erreur: str


class Probleme(BaseModel):
    """Une erreur (RFC 9457)."""

    type: str
    title: str
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="Ce qui ne va pas et que faire.")
    instance: str = Field(description="Numéro de l'envoi, à citer si vous nous écrivez.")
    appels: list[Appel] = Field(description="Les numéros d'urgence : ce qui a été envoyé n'a pas été lu.")


class DelegationReferentiel(BaseModel):
    """Un service regroupé."""

    id: Dis
    nom: str
    nom_clair: str
    mission: str
    guichet: str
    source: str
    verifie_le: date
    a_valider: bool


class ServiceReferentiel(BaseModel):
    """Un service, ou un organisme hors périmètre."""

    id: str
    dis: Dis
    nom: str
    sigle: str
    nom_clair: str
    nom_actuel: str
    date_bascule: str = Field(description="Depuis quand le nom actuel vaut.")
    anciens_noms: list[str]
    guichet: str
    contact_partenaire: str | None = Field(...)
    source: str
    verifie_le: date
    a_valider: bool


class ConseilPartenaire(BaseModel):
    """Ce qui change pour un partenaire."""

    premier_geste: str
    precisions: list[str]
    a_apporter: list[str]


class SujetReferentiel(BaseModel):
    """Un sujet et sa porte."""

    id: str
    libelle: str
    dis: Dis
    service: str
    public: list[Profile]
    premier_geste: str
    precisions: list[str]
    a_apporter: list[str]
    partenaire: ConseilPartenaire | None = Field(...)
    services_associes: list[ServiceAssocie]
    lien: Lien | None = Field(...)
    origine_lien: Origine | None = Field(...)
    inconnu: str
    faits: list[Fait]
    origine: Origine
    organisme: str = Field(description="L'organisme compétent, hors périmètre ; vide sinon.")
    guichet: str
    nom_actuel: str
    source: str
    verifie_le: date
    a_valider: bool


class Guichet(Contact):
    """Un guichet du référentiel."""

    id: str
    sigle: str
    dis: Dis | None = Field(...)
    service: str | None = Field(...)
    guichet_unique: bool
    zone: list[str] = Field(description="Codes Insee couverts : « 46 » pour tout le Lot, « 461 » à « 463 » pour un arrondissement.")
    verifie_le: date | None = Field(...)


class Terme(BaseModel):
    """Un mot de l'administration en langage clair."""

    terme: str
    sigle: bool
    clair: str
    aussi: list[str]


class NumeroUrgence(BaseModel):
    """Un numéro d'urgence."""

    numero: str
    nom: str
    sens: str


class CommuneReferentiel(BaseModel):
    """Une commune du Lot."""

    code_insee: str
    nom: str
    arrondissement: str
    autres_noms: list[str] = Field(description="Anciens noms et noms d'usage.")
    homonymes: list[str]


class Guichets(BaseModel):
    """Tous les guichets."""

    version: str
    guichets: list[Guichet]


class Referentiel(Guichets):
    """Qui fait quoi, où frapper."""

    delegations: list[DelegationReferentiel]
    services: list[ServiceReferentiel]
    sujets: list[SujetReferentiel]
    glossaire: list[Terme]
    urgences: list[NumeroUrgence]
    communes: list[CommuneReferentiel]


class Fiche(BaseModel):
    """Un sujet avec tout ce qui l'entoure."""

    version: str
    sujet: SujetReferentiel
    delegation: DelegationReferentiel
    service: ServiceReferentiel
    guichet: Guichet


_REASONS = {
    "value_error.missing": "Il manque « {champ} ».",
    "type_error.none.not_allowed": "Il manque « {champ} ».",
    "type_error.str": "« {champ} » doit être une chaîne.",
    "value_error.const": "« {champ} » doit être l'un de : {permis}.",
}


def read_demand(values: Any) -> Demande:
    """Check one request received as plain values.

    Raises:
        BadMessage: a French sentence names what is wrong.
    """
    if not isinstance(values, dict):
        raise BadMessage('Une demande est un objet JSON, par exemple {"texte": "…"}.')
    try:
        return Demande(**{str(k): v for k, v in values.items() if k in Demande.__fields__})
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0])
        if field == "id":
            raise BadMessage("« id » doit être une chaîne ou un nombre entier.") from None
        permitted = ", ".join(map(str, first.get("ctx", {}).get("permitted", ())))
        template = _REASONS.get(first["type"], "« {champ} » a une valeur incorrecte.")
        raise BadMessage(template.format(champ=field, permis=permitted)) from None
