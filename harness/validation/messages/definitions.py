"""What the rules of definitions may find: profiles, extensions, search parameters, operations, measures."""

from harness.validation.messages.rule import Rule

DEFINITIONS: dict[str, Rule] = {
    "definition-type": Rule(
        "error",
        "business-rule",
        "{found} is a type of FHIR: it can only be constrained (derivation = constraint)",
        "{found} est un type de FHIR : on ne peut que le contraindre (derivation = constraint)",
    ),
    "definition-type-local": Rule(
        "error",
        "business-rule",
        "{found} is no type of FHIR: the type of a new structure is an absolute URL",
        "{found} n'est pas un type de FHIR : le type d'une nouvelle structure est une URL absolue",
    ),
    "context-not-extension": Rule(
        "error",
        "business-rule",
        "Only an extension has a context, and this defines {found}",
        "Seule une extension a un contexte, et ceci définit {found}",
    ),
    "extension-url-fixed": Rule(
        "error",
        "business-rule",
        "Extension.url must be fixed to the url of the definition, {expected} (found: {found})",
        "Extension.url doit être fixé à l'url de la définition, {expected} (trouvé : {found})",
    ),
    "element-unmatched": Rule(
        "error",
        "business-rule",
        "{found} is not found in the base at this place: check its path and the order of the elements",
        "{found} est introuvable à cette place dans la base : vérifiez son chemin et l'ordre des éléments",
    ),
    "element-other-type": Rule(
        "error",
        "business-rule",
        "The path {found} must start with the type, {expected}",
        "Le chemin {found} doit commencer par le type, {expected}",
    ),
    "element-no-type": Rule(
        "error",
        "business-rule",
        "{found} has neither a type nor a content reference",
        "{found} n'a ni type ni renvoi de contenu",
    ),
    "element-not-in-profile": Rule(
        "error",
        "business-rule",
        "A profile does not say {found}: only the definition of a type does",
        "Un profil ne donne pas {found} : seule la définition d'un type le fait",
    ),
    "element-irrelevant": Rule(
        "error",
        "business-rule",
        "{found} means nothing for the type {expected}",
        "{found} ne veut rien dire pour le type {expected}",
    ),
    "profile-other-type": Rule(
        "error",
        "business-rule",
        "{found} is a profile on {detail}, the element is of type {expected}",
        "{found} est un profil de {detail}, l'élément est de type {expected}",
    ),
    "target-not-allowed": Rule(
        "error",
        "business-rule",
        "The type {expected} refers to nothing, so it has no target profile",
        "Le type {expected} ne renvoie à rien, il n'a donc pas de profil cible",
    ),
    "slicing-on-root": Rule(
        "error",
        "business-rule",
        "The root of a profile cannot be sliced",
        "La racine d'un profil ne se découpe pas",
    ),
    "slicing-single": Rule(
        "error",
        "business-rule",
        "{found} does not repeat, so it cannot be sliced",
        "{found} ne se répète pas et ne se découpe donc pas",
    ),
    "slice-without-slicing": Rule(
        "error",
        "business-rule",
        "The slice {found} has no slicing before it",
        "La tranche {found} n'a pas de découpage avant elle",
    ),
    "constraint-key": Rule(
        "error",
        "business-rule",
        "The key {found} stands for another expression already: {expected}",
        "La clé {found} désigne déjà une autre expression : {expected}",
    ),
    "constraint-source": Rule(
        "error",
        "business-rule",
        "A constraint of this profile has no source, or {expected}, not {found}",
        "Une contrainte de ce profil n'a pas de source, ou {expected}, et non {found}",
    ),
    "constraint-expression": Rule(
        "error",
        "business-rule",
        "The expression of {found} cannot be read: {detail}",
        "L'expression de {found} est illisible : {detail}",
    ),
}
