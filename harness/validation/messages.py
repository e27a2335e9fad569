"""The rules of the validator: each with its severity, its FHIR issue type and its sentence in English and French.

A sentence is a ``str.format`` template over the fields of an issue: ``{found} {expected} {detail} {profile} {definition}
{constraint} {expression}``. A report may give another severity than the rule's own (an invariant declares its own).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.validation.outcome import Issue

LANGUAGES = ("en", "fr")


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of finding: its usual severity and FHIR issue type, and its sentences."""

    severity: str
    code: str
    en: str
    fr: str


_JSON: dict[str, Rule] = {
    "json-syntax": Rule("fatal", "structure", "This is not JSON: {detail}", "Ce n'est pas du JSON : {detail}"),
    "json-bom": Rule(
        "error",
        "structure",
        "The text starts with a byte-order mark, which JSON does not allow: send UTF-8 without it",
        "Le texte commence par une marque d'ordre des octets, interdite en JSON : envoyer de l'UTF-8 sans elle",
    ),
    "json-duplicate-key": Rule(
        "error",
        "structure",
        "The key '{found}' stands twice in the same JSON object: keep one",
        "La clé « {found} » figure deux fois dans le même objet JSON : n'en garder qu'une",
    ),
    "json-depth": Rule(
        "fatal",
        "structure",
        "The JSON is nested deeper than {expected} levels",
        "Le JSON est imbriqué sur plus de {expected} niveaux",
    ),
    "json-null": Rule(
        "error",
        "structure",
        "A null may only stand in an array, where the other array of the pair has a value",
        "null n'est admis que dans un tableau, en face d'une valeur de l'autre tableau de la paire",
    ),
    "json-empty-array": Rule(
        "error",
        "invalid",
        "An array must not be empty: leave the element out when it has no value",
        "Un tableau ne doit pas être vide : omettre l'élément s'il n'a pas de valeur",
    ),
    "json-empty-object": Rule(
        "error", "structure", "An object must not be empty: an element has a value or children",
        "Un objet ne doit pas être vide : un élément a une valeur ou des enfants",
    ),
    "json-kind": Rule(
        "error",
        "invalid",
        "This must be a JSON {expected}, not a JSON {found}",
        "Il faut ici un {expected} JSON, et non un {found} JSON",
    ),
    "json-array-length": Rule(
        "error",
        "structure",
        "The array of values has {found} items and the array of their extensions has {expected}: pair them with nulls",
        "Le tableau des valeurs a {found} éléments et celui de leurs extensions {expected} : les apparier avec des null",
    ),
    "not-a-resource": Rule(
        "fatal", "structure", "This is not a FHIR resource: {detail}", "Ce n'est pas une ressource FHIR : {detail}"
    ),
}

_STRUCTURE: dict[str, Rule] = {
    "resource-type-unknown": Rule(
        "fatal", "structure", "'{found}' is not a resource type of FHIR R4{detail}",
        "« {found} » n'est pas un type de ressource FHIR R4{detail}",
    ),
    "resource-type-mismatch": Rule(
        "error", "structure", "The profile {profile} is about {expected}, this is a {found}",
        "Le profil {profile} porte sur {expected}, et ceci est une ressource {found}",
    ),
    "unknown-element": Rule(
        "error", "structure", "'{found}' is not an element here{detail}", "« {found} » n'est pas un élément ici{detail}"
    ),
    "min-cardinality": Rule(
        "error", "structure", "{definition}: at least {expected} needed, {found} found",
        "{definition} : il en faut au moins {expected}, {found} trouvé(s)",
    ),
    "max-cardinality": Rule(
        "error", "structure", "{definition}: at most {expected} allowed, {found} found",
        "{definition} : au plus {expected} admis, {found} trouvé(s)",
    ),
    "type-not-allowed": Rule(
        "error", "structure", "The type {found} is not allowed here: use {expected}",
        "Le type {found} n'est pas admis ici : utiliser {expected}",
    ),
    "resource-not-allowed": Rule(
        "error", "structure", "A {found} is not allowed here: use {expected}",
        "Une ressource {found} n'est pas admise ici : utiliser {expected}",
    ),
    "primitive-format": Rule(
        "error", "invalid", "'{found}' is not a valid {expected}{detail}", "« {found} » n'est pas un {expected} valide{detail}"
    ),
    "primitive-whitespace": Rule(
        "warning", "invalid", "'{found}' has leading or trailing spaces", "« {found} » commence ou finit par des espaces"
    ),
    "max-length": Rule(
        "error", "too-long", "The text has {found} characters, at most {expected} are allowed",
        "Le texte compte {found} caractères, au plus {expected} sont admis",
    ),
    "min-value": Rule(
        "error", "invalid", "{found} is less than the least value allowed, {expected}",
        "{found} est inférieur au minimum admis, {expected}",
    ),
    "max-value": Rule(
        "error", "invalid", "{found} is more than the greatest value allowed, {expected}",
        "{found} est supérieur au maximum admis, {expected}",
    ),
    "value-not-comparable": Rule(
        "information", "not-supported", "{found} cannot be compared with the bound {expected}",
        "{found} ne peut pas être comparé à la borne {expected}",
    ),
    "fixed-value": Rule(
        "error", "value", "The value must be exactly {expected}, found {found}",
        "La valeur doit être exactement {expected}, trouvé {found}",
    ),
    "fixed-extra": Rule(
        "error", "value", "'{found}' is present, but the fixed value of the profile does not have it",
        "« {found} » est présent, mais la valeur fixée par le profil ne le contient pas",
    ),
    "pattern": Rule(
        "error", "value", "The value must contain {expected}, found {found}",
        "La valeur doit contenir {expected}, trouvé {found}",
    ),
    "duplicate-id": Rule(
        "error", "business-rule", "The element id '{found}' is used twice in this resource",
        "L'id d'élément « {found} » est utilisé deux fois dans cette ressource",
    ),
    "markdown-html": Rule(
        "error", "invalid", "The markdown contains what looks like an HTML tag, '{found}', which will be shown as text",
        "Le markdown contient ce qui ressemble à une balise HTML, « {found} », qui sera affichée comme du texte",
    ),
    "attachment-size": Rule(
        "error", "structure", "The size given is {found}, the data has {expected} bytes",
        "La taille annoncée est {found}, les données font {expected} octets",
    ),
    "invariant": Rule(
        "error", "invariant", "{constraint}: {detail}", "Contrainte {constraint} non respectée : {detail}"
    ),
    "invariant-undecided": Rule(
        "information", "not-supported", "The invariant {constraint} could not be judged: {detail}",
        "L'invariant {constraint} n'a pas pu être évalué : {detail}",
    ),
    "xhtml": Rule("error", "invalid", "The narrative is not allowed XHTML: {detail}",
                  "Le texte narratif n'est pas du XHTML admis : {detail}"),
}

_SLICING: dict[str, Rule] = {
    "slice-unmatched": Rule(
        "error", "structure", "No slice of the closed slicing of {definition} matches: {detail}",
        "Aucune tranche de {definition}, découpage fermé, ne correspond : {detail}",
    ),
    "slice-open": Rule(
        "information", "informational", "No slice of {definition} matches, which is allowed: {detail}",
        "Aucune tranche de {definition} ne correspond, ce qui est admis : {detail}",
    ),
    "slice-min": Rule(
        "error", "structure", "Slice {definition}: at least {expected} needed, {found} found{detail}",
        "Tranche {definition} : il en faut au moins {expected}, {found} trouvé(s){detail}",
    ),
    "slice-max": Rule(
        "error", "structure", "Slice {definition}: at most {expected} allowed, {found} found",
        "Tranche {definition} : au plus {expected} admis, {found} trouvé(s)",
    ),
    "slice-order": Rule(
        "error", "structure", "Slice {found} stands after {expected}, but the slicing is ordered",
        "La tranche {found} vient après {expected}, alors que le découpage est ordonné",
    ),
    "slice-after-open": Rule(
        "error", "structure", "An item of slice {found} stands after items that match no slice (the slicing is open at its end)",
        "Un élément de la tranche {found} suit des éléments sans tranche (découpage ouvert à la fin)",
    ),
    "slice-undecided": Rule(
        "information", "not-supported", "The slices of {definition} could not be told apart: {detail}",
        "Les tranches de {definition} n'ont pas pu être distinguées : {detail}",
    ),
}

_TERMINOLOGY: dict[str, Rule] = {
    "binding-required": Rule(
        "error", "code-invalid", "{found} is not in the value set {expected}, from which a code is required{detail}",
        "{found} n'est pas dans le jeu de valeurs {expected}, dont un code est exigé{detail}",
    ),
    "binding-maximum": Rule(
        "error", "code-invalid", "{found} is not in the maximum value set {expected}{detail}",
        "{found} n'est pas dans le jeu de valeurs maximal {expected}{detail}",
    ),
    "binding-extensible": Rule(
        "warning", "code-invalid", "{found} is not in the value set {expected}: use one of its codes if one fits{detail}",
        "{found} n'est pas dans le jeu de valeurs {expected} : utiliser un de ses codes s'il convient{detail}",
    ),
    "binding-preferred": Rule(
        "information", "code-invalid", "{found} is not in the value set {expected}, whose codes are preferred",
        "{found} n'est pas dans le jeu de valeurs {expected}, dont les codes sont préférés",
    ),
    "binding-no-code": Rule(
        "error", "code-invalid", "No code is given, and one from the value set {expected} is required",
        "Aucun code n'est donné, et un code du jeu de valeurs {expected} est exigé",
    ),
    "binding-undecided": Rule(
        "information", "not-found", "Whether {found} is in the value set {expected} is not known here: {detail}",
        "L'appartenance de {found} au jeu de valeurs {expected} n'est pas connue ici : {detail}",
    ),
    "code-unknown": Rule(
        "error", "code-invalid", "The code '{found}' is not in the code system {expected}{detail}",
        "Le code « {found} » n'est pas dans le système de codes {expected}{detail}",
    ),
    "display-wrong": Rule(
        "error", "invalid", "The display of {detail} is '{expected}', not '{found}'",
        "Le libellé de {detail} est « {expected} », et non « {found} »",
    ),
    "coding-system-relative": Rule(
        "error", "code-invalid", "A coding system must be an absolute URI, not '{found}'",
        "Un système de codes doit être une URI absolue, et non « {found} »",
    ),
}

_EXTENSIONS: dict[str, Rule] = {
    "extension-unknown": Rule(
        "error", "structure", "The extension {found} is not defined in the packages at hand, so it is not allowed here",
        "L'extension {found} n'est définie dans aucun des paquets présents, elle n'est donc pas admise ici",
    ),
    "extension-undecided": Rule(
        "information", "not-found", "The extension {found} could not be judged: its definition is not at hand",
        "L'extension {found} n'a pas pu être jugée : sa définition n'est pas disponible",
    ),
    "extension-url": Rule(
        "error", "invalid", "An extension needs a url that says which one it is", "Une extension doit porter une url qui l'identifie"
    ),
    "extension-url-version": Rule(
        "error", "invalid", "The url of an extension must not carry a version: {found}",
        "L'url d'une extension ne doit pas porter de version : {found}",
    ),
    "extension-url-relative": Rule(
        "error", "invalid", "The url of an extension must be absolute here: {found}",
        "L'url d'une extension doit être absolue ici : {found}",
    ),
    "extension-context": Rule(
        "error", "structure", "The extension {found} is not allowed here: it belongs on {expected}",
        "L'extension {found} n'est pas admise ici : sa place est sur {expected}",
    ),
    "extension-modifier": Rule(
        "error", "structure", "The extension {found} must {detail}be a modifierExtension",
        "L'extension {found} doit {detail}être une modifierExtension",
    ),
}

_PROFILES: dict[str, Rule] = {
    "profile-unknown": Rule(
        "information", "not-found", "The profile {found} is not known here, so it was not checked",
        "Le profil {found} n'est pas connu ici, il n'a donc pas été vérifié",
    ),
    "profile-required-unknown": Rule(
        "error", "not-found", "The profile {found} was asked for and is not known here: add the package that defines it",
        "Le profil {found} est demandé et n'est pas connu ici : ajouter le paquet qui le définit",
    ),
    "profile-broken": Rule(
        "information", "not-supported", "The profile {found} could not be used: {detail}",
        "Le profil {found} n'a pas pu être utilisé : {detail}",
    ),
    "profile-none-matches": Rule(
        "error", "structure", "This matches none of the profiles allowed here: {expected}{detail}",
        "Ceci n'est conforme à aucun des profils admis ici : {expected}{detail}",
    ),
    "must-support-absent": Rule(
        "information", "informational", "{definition} is must-support and absent", "{definition} est must-support et absent"
    ),
    "definition-invalid": Rule(
        "error", "business-rule", "The definition does not hold together: {detail}", "La définition n'est pas cohérente : {detail}"
    ),
}

_REFERENCES: dict[str, Rule] = {
    "reference-format": Rule(
        "error", "invalid", "A relative reference has the form Type/id; '{found}' does not",
        "Une référence relative a la forme Type/id ; « {found} » non",
    ),
    "reference-target-type": Rule(
        "error", "structure", "This refers to a {found}, but only {expected} is allowed",
        "La référence désigne une ressource {found}, seules sont admises : {expected}",
    ),
    "reference-type-mismatch": Rule(
        "error", "structure", "The reference says type {found}, but it leads to a {expected}",
        "La référence annonce le type {found}, mais elle désigne une ressource {expected}",
    ),
    "reference-target-profile": Rule(
        "error", "structure", "What {found} refers to matches none of the profiles {expected}{detail}",
        "La cible de {found} n'est conforme à aucun des profils {expected}{detail}",
    ),
    "reference-contained": Rule(
        "error", "structure", "No contained resource has the id that {found} refers to",
        "Aucune ressource contenue n'a l'id désigné par {found}",
    ),
    "reference-unresolved": Rule(
        "error", "structure", "'{found}' does not lead to any resource at hand",
        "« {found} » ne mène à aucune ressource présente",
    ),
    "reference-not-in-bundle": Rule(
        "warning", "required", "'{found}' does not lead to any entry of the Bundle",
        "« {found} » ne mène à aucune entrée du Bundle",
    ),
    "reference-ambiguous": Rule(
        "error", "structure", "'{found}' leads to more than one entry of the Bundle",
        "« {found} » mène à plusieurs entrées du Bundle",
    ),
    "reference-no-full-url": Rule(
        "error", "required", "The relative reference '{found}' cannot be resolved: its Bundle entry has no fullUrl",
        "La référence relative « {found} » ne peut pas être résolue : son entrée de Bundle n'a pas de fullUrl",
    ),
    "canonical-relative": Rule(
        "error", "invalid", "A canonical must be an absolute URL, not '{found}'",
        "Un canonical doit être une URL absolue, et non « {found} »",
    ),
    "contained-unreferenced": Rule(
        "error", "invalid", "The contained resource '{found}' is not referred to, and does not refer to its container (dom-3)",
        "La ressource contenue « {found} » n'est pas référencée et ne référence pas son conteneur (dom-3)",
    ),
}

_BUNDLE: dict[str, Rule] = {
    "bundle-full-url-relative": Rule(
        "error", "invalid", "A fullUrl must be an absolute URL, not '{found}'",
        "Un fullUrl doit être une URL absolue, et non « {found} »",
    ),
    "bundle-full-url-missing": Rule(
        "error", "required", "This entry needs a fullUrl", "Cette entrée doit porter un fullUrl"
    ),
    "bundle-full-url-duplicate": Rule(
        "error", "invalid", "The fullUrl {found} stands twice in this Bundle with the same version",
        "Le fullUrl {found} figure deux fois dans ce Bundle avec la même version",
    ),
    "bundle-full-url-id": Rule(
        "error", "invalid", "The fullUrl {found} does not end with the id of its resource, {expected}",
        "Le fullUrl {found} ne se termine pas par l'id de sa ressource, {expected}",
    ),
    "bundle-link": Rule(
        "error", "invalid", "The link relation '{found}' belongs to a searchset, not to a {expected}",
        "La relation de lien « {found} » est réservée aux searchset, ceci est un {expected}",
    ),
    "bundle-first-entry": Rule(
        "error", "invalid", "The first entry of a {expected} Bundle must be a {detail}, found {found}",
        "La première entrée d'un Bundle {expected} doit être {detail}, trouvé {found}",
    ),
    "bundle-empty": Rule(
        "error", "invalid", "A {expected} Bundle needs entries", "Un Bundle {expected} doit avoir des entrées"
    ),
    "bundle-search-id": Rule(
        "error", "invalid", "A resource in a search result must have an id", "Une ressource d'un résultat de recherche doit avoir un id"
    ),
    "bundle-search-type": Rule(
        "error", "invalid", "A {found} does not answer this search, which is about {expected}",
        "Une ressource {found} ne répond pas à cette recherche, qui porte sur {expected}",
    ),
    "bundle-search-outcome": Rule(
        "error", "invalid", "An entry of mode outcome must be an OperationOutcome, found {found}",
        "Une entrée de mode outcome doit être un OperationOutcome, trouvé {found}",
    ),
    "bundle-reference": Rule(
        "error", "invalid", "'{found}' ({detail}) does not lead to an entry of the document",
        "« {found} » ({detail}) ne mène à aucune entrée du document",
    ),
    "bundle-unreachable": Rule(
        "error", "informational", "The entry {found} cannot be reached from the Composition by references",
        "L'entrée {found} n'est pas accessible par références depuis la Composition",
    ),
}

RULES: dict[str, Rule] = {
    **_JSON,
    **_STRUCTURE,
    **_SLICING,
    **_TERMINOLOGY,
    **_EXTENSIONS,
    **_PROFILES,
    **_REFERENCES,
    **_BUNDLE,
}


def render(issue: Issue, lang: str) -> str:
    """The sentence of ``issue`` in ``lang``; an unknown language gets English."""
    rule = RULES[issue.rule]
    template = rule.fr if lang == "fr" else rule.en
    return template.format(
        found=issue.found,
        expected=issue.expected,
        detail=issue.detail or "",
        profile=issue.profile,
        definition=issue.definition,
        constraint=issue.constraint,
        expression=issue.expression,
    )
