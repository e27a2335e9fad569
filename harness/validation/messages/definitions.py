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

ARTIFACTS: dict[str, Rule] = {
    "search-components": Rule(
        "error",
        "business-rule",
        "A composite search parameter needs two components at least",
        "Un paramètre de recherche composite a besoin de deux composants au moins",
    ),
    "search-expression": Rule(
        "error",
        "business-rule",
        "The expression {found} leads nowhere: {detail}",
        "L'expression {found} ne mène à rien : {detail}",
    ),
    "search-derived": Rule(
        "error",
        "business-rule",
        "{found} is not what {detail}, from which it is derived, says: {expected}",
        "{found} n'est pas ce que dit {detail}, dont il dérive : {expected}",
    ),
    "search-parameter-type": Rule(
        "error",
        "business-rule",
        "The search parameter {detail} is of type {expected}, not {found}",
        "Le paramètre de recherche {detail} est de type {expected} et non {found}",
    ),
    "dependency-uri": Rule(
        "error",
        "business-rule",
        "{found} is not the URL of an ImplementationGuide",
        "{found} n'est pas l'URL d'un ImplementationGuide",
    ),
    "dependency-version": Rule(
        "error",
        "business-rule",
        "The version of {found} stands in 'version', which says {expected}",
        "La version de {found} se met dans « version », qui dit {expected}",
    ),
    "dependency-package": Rule(
        "error",
        "business-rule",
        "{found} is not the id of a package",
        "{found} n'est pas un identifiant de paquet",
    ),
    "measure-code": Rule(
        "error",
        "business-rule",
        "A code is needed to tell which part of the measure this is: {expected}",
        "Il faut un code pour savoir de quelle partie de la mesure il s'agit : {expected}",
    ),
    "measure-code-unknown": Rule(
        "error",
        "business-rule",
        "The measure has no part with the code {found}, only {expected}",
        "La mesure n'a pas de partie de code {found}, seulement {expected}",
    ),
    "measure-code-twice": Rule(
        "error",
        "business-rule",
        "{found} is reported more than once",
        "{found} est rapporté plusieurs fois",
    ),
    "measure-missing": Rule(
        "error",
        "business-rule",
        "The measure has {found}, which is not reported",
        "La mesure comporte {found}, qui n'est pas rapporté",
    ),
    "measure-subjects": Rule(
        "error",
        "business-rule",
        "A report of type {found} lists no subjects",
        "Un rapport de type {found} ne liste pas de sujets",
    ),
    "measure-score-prohibited": Rule(
        "error",
        "business-rule",
        "There is no score in a report of this kind ({expected})",
        "Il n'y a pas de score dans un rapport de cette sorte ({expected})",
    ),
    "measure-score-missing": Rule(
        "error",
        "business-rule",
        "A measure of scoring {expected} is reported with a score",
        "Une mesure de type {expected} se rapporte avec un score",
    ),
    "measure-score-range": Rule(
        "error",
        "value",
        "The score of a proportion is between 0 and 1, not {found}",
        "Le score d'une proportion est entre 0 et 1, et non {found}",
    ),
    "measure-score-unit": Rule(
        "error",
        "business-rule",
        "The score of a {expected} has no unit",
        "Le score d'une {expected} n'a pas d'unité",
    ),
    "map-name-twice": Rule(
        "error",
        "business-rule",
        "The name {found} is used already",
        "Le nom {found} est déjà pris",
    ),
    "map-variable": Rule(
        "error",
        "business-rule",
        "{found} is not known here (known: {expected})",
        "{found} n'est pas connu ici (connus : {expected})",
    ),
    "map-type": Rule(
        "error",
        "business-rule",
        "{found} is neither a structure that the map declares nor a type of FHIR",
        "{found} n'est ni une structure déclarée par la map ni un type de FHIR",
    ),
    "map-element": Rule(
        "error",
        "business-rule",
        "There is no element {found} in {expected}",
        "Il n'y a pas d'élément {found} dans {expected}",
    ),
    "map-expression": Rule(
        "error",
        "business-rule",
        "The expression {found} cannot be read: {detail}",
        "L'expression {found} ne peut être lue : {detail}",
    ),
    "map-group": Rule(
        "error",
        "business-rule",
        "There is no group {found} (groups: {expected})",
        "Il n'y a pas de groupe {found} (groupes : {expected})",
    ),
    "map-call": Rule(
        "error",
        "business-rule",
        "The group {detail} takes {expected} variables, not {found}",
        "Le groupe {detail} prend {expected} variables et non {found}",
    ),
}
