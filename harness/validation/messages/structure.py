"""What JSON text and the structure of a resource may break."""

from harness.validation.messages.rule import Rule

_KINDS = {
    "object": "un objet",
    "array": "un tableau",
    "string": "une chaîne",
    "boolean": "un booléen",
    "number": "un nombre",
    "single value": "une valeur unique",
}

JSON: dict[str, Rule] = {
    "json-syntax": Rule("fatal", "structure", "This is not JSON: {detail}", "Ce n'est pas du JSON : {detail}"),
    "json-number": Rule(
        "fatal",
        "structure",
        "A whole number here has more than {expected} digits: an integer of FHIR has ten at most",
        "Un nombre entier a ici plus de {expected} chiffres : un entier de FHIR en a dix au plus",
    ),
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
        "error",
        "structure",
        "An object must not be empty: an element has a value or children",
        "Un objet ne doit pas être vide : un élément a une valeur ou des enfants",
    ),
    "json-kind": Rule(
        "error",
        "invalid",
        "This must be a JSON {expected}, not a JSON {found}",
        "Il faut ici {expected} en JSON, et non {found}",
        _KINDS,
    ),
    "json-array-length": Rule(
        "error",
        "structure",
        "The array of values has {found} items and the array of their extensions has {expected}: pair them with nulls",
        "Le tableau des valeurs a {found} éléments et celui de leurs extensions {expected} : apparier avec null",
    ),
    "not-a-resource": Rule(
        "fatal", "structure", "This is not a FHIR resource: {detail}", "Ce n'est pas une ressource FHIR : {detail}"
    ),
}

STRUCTURE: dict[str, Rule] = {
    "resource-type-unknown": Rule(
        "fatal",
        "structure",
        "'{found}' is not a resource type of FHIR R4{detail}",
        "« {found} » n'est pas un type de ressource FHIR R4{detail}",
    ),
    "resource-type-mismatch": Rule(
        "error",
        "structure",
        "The profile {profile} is about {expected}, this is a {found}",
        "Le profil {profile} porte sur {expected}, et ceci est une ressource {found}",
    ),
    "unknown-element": Rule(
        "error", "structure", "'{found}' is not an element here{detail}", "« {found} » n'est pas un élément ici{detail}"
    ),
    "min-cardinality": Rule(
        "error",
        "structure",
        "{definition}: at least {expected} needed, {found} found",
        "{definition} : il en faut au moins {expected}, {found} trouvé(s)",
    ),
    "max-cardinality": Rule(
        "error",
        "structure",
        "{definition}: at most {expected} allowed, {found} found",
        "{definition} : au plus {expected} admis, {found} trouvé(s)",
    ),
    "type-not-allowed": Rule(
        "error",
        "structure",
        "The type {found} is not allowed here for {definition}: use {expected}",
        "Le type {found} n'est pas admis ici pour {definition} : utiliser {expected}",
    ),
    "element-of-refused": Rule(
        "error",
        "structure",
        "{expected}, the type that is allowed here, has no element {found}",
        "{expected}, le type admis ici, n'a pas d'élément {found}",
    ),
    "resource-not-allowed": Rule(
        "error",
        "structure",
        "A {found} is not allowed here: use {expected}",
        "Une ressource {found} n'est pas admise ici : utiliser {expected}",
    ),
    "primitive-format": Rule(
        "error",
        "invalid",
        "'{found}' is not a valid {expected}{detail}",
        "« {found} » n'est pas une valeur du type {expected}{detail}",
    ),
    "primitive-whitespace": Rule(
        "warning",
        "invalid",
        "'{found}' has leading or trailing spaces",
        "« {found} » commence ou finit par des espaces",
    ),
    "max-length": Rule(
        "error",
        "too-long",
        "The text has {found} characters, at most {expected} are allowed",
        "Le texte compte {found} caractères, au plus {expected} sont admis",
    ),
    "min-length": Rule(
        "error",
        "invalid",
        "The text has {found} characters, at least {expected} are needed",
        "Le texte compte {found} caractères, au moins {expected} sont nécessaires",
    ),
    "text-form": Rule(
        "error",
        "invalid",
        "'{found}' does not have the form that is asked for: {expected}",
        "« {found} » n'a pas la forme demandée : {expected}",
    ),
    "value-needed": Rule(
        "error",
        "required",
        "A value is needed here: an extension does not stand for it",
        "Une valeur est nécessaire ici : une extension n'en tient pas lieu",
    ),
    "min-value": Rule(
        "error",
        "invalid",
        "{found} is less than the least value allowed, {expected}",
        "{found} est inférieur au minimum admis, {expected}",
    ),
    "max-value": Rule(
        "error",
        "invalid",
        "{found} is more than the greatest value allowed, {expected}",
        "{found} est supérieur au maximum admis, {expected}",
    ),
    "value-other-dimension": Rule(
        "error",
        "invalid",
        "{found} measures something else than the bound {expected}",
        "{found} mesure autre chose que la limite {expected}",
    ),
    "value-not-comparable": Rule(
        "information",
        "not-supported",
        "{found} cannot be compared with the bound {expected}",
        "{found} ne peut pas être comparé à la borne {expected}",
    ),
    "fixed-value": Rule(
        "error",
        "value",
        "The value must be exactly {expected}{detail}",
        "La valeur doit être exactement {expected}{detail}",
    ),
    "fixed-extra": Rule(
        "error",
        "value",
        "'{found}' is present, but the fixed value of the profile does not have it",
        "« {found} » est présent, mais la valeur fixée par le profil ne le contient pas",
    ),
    "pattern": Rule(
        "error",
        "value",
        "The value must contain {expected}{detail}",
        "La valeur doit contenir {expected}{detail}",
    ),
    "duplicate-id": Rule(
        "error",
        "business-rule",
        "The element id '{found}' is used twice in this resource",
        "L'id d'élément « {found} » est utilisé deux fois dans cette ressource",
    ),
    "markdown-html": Rule(
        "error",
        "invalid",
        "The markdown contains what looks like an HTML tag, '{found}', which will be shown as text",
        "Le markdown contient ce qui ressemble à une balise HTML, « {found} », qui sera affichée comme du texte",
    ),
    "must-support": Rule(
        "information",
        "informational",
        "{found} is absent, which {profile} marks as must-support",
        "{found} est absent, que {profile} marque comme à prendre en charge (must-support)",
    ),
    "attachment-data": Rule(
        "error",
        "structure",
        "The data is not base64",
        "Les données ne sont pas en base64",
    ),
    "attachment-hash-form": Rule(
        "warning",
        "value",
        "The hash is the base64 of a SHA-1, which has 20 bytes, not '{found}'",
        "L'empreinte est un SHA-1 en base64, de 20 octets, et non « {found} »",
    ),
    "attachment-hash": Rule(
        "error",
        "structure",
        "The hash given is {found}, that of the data is {expected}",
        "L'empreinte annoncée est {found}, celle des données {expected}",
    ),
    "attachment-size": Rule(
        "error",
        "structure",
        "The size given is {found}, the data has {expected} bytes",
        "La taille annoncée est {found}, les données font {expected} octets",
    ),
    "invariant": Rule(
        "error", "invariant", "{constraint}: {detail}", "Contrainte {constraint} non respectée : {detail}"
    ),
    "invariant-undecided": Rule(
        "information",
        "not-supported",
        "The invariant {constraint} could not be judged: {detail}",
        "L'invariant {constraint} n'a pas pu être évalué : {detail}",
    ),
    "xhtml": Rule(
        "error",
        "invalid",
        "The narrative is not allowed XHTML: {detail}",
        "Le texte narratif n'est pas du XHTML admis : {detail}",
    ),
}
