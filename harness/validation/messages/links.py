"""What references and Bundles may break."""

from harness.validation.messages.rule import Rule

REFERENCES: dict[str, Rule] = {
    "fragment-unresolved": Rule(
        "error",
        "invalid",
        "'{found}' leads to nothing in this resource",
        "« {found} » ne mène à rien dans cette ressource",
    ),
    "reference-format": Rule(
        "error",
        "invalid",
        "A relative reference has the form Type/id; '{found}' does not",
        "Une référence relative a la forme Type/id ; « {found} » non",
    ),
    "reference-target-type": Rule(
        "error",
        "structure",
        "This refers to a {found}, but only {expected} is allowed",
        "La référence désigne une ressource {found}, seules sont admises : {expected}",
    ),
    "reference-type-mismatch": Rule(
        "error",
        "structure",
        "The reference says type {found}, but it leads to a {expected}",
        "La référence annonce le type {found}, mais elle désigne une ressource {expected}",
    ),
    "reference-target-profile": Rule(
        "error",
        "structure",
        "What {found} refers to matches none of the profiles {expected}{detail}",
        "La cible de {found} n'est conforme à aucun des profils {expected}{detail}",
    ),
    "reference-contained": Rule(
        "error",
        "structure",
        "No contained resource has the id that {found} refers to",
        "Aucune ressource contenue n'a l'id désigné par {found}",
    ),
    "reference-not-in-bundle": Rule(
        "warning",
        "required",
        "'{found}' does not lead to any entry of the Bundle",
        "« {found} » ne mène à aucune entrée du Bundle",
    ),
    "reference-ambiguous": Rule(
        "error",
        "structure",
        "'{found}' leads to more than one entry of the Bundle",
        "« {found} » mène à plusieurs entrées du Bundle",
    ),
    "reference-no-full-url": Rule(
        "error",
        "required",
        "The relative reference '{found}' cannot be resolved: its Bundle entry has no fullUrl",
        "La référence relative « {found} » ne peut pas être résolue : son entrée de Bundle n'a pas de fullUrl",
    ),
    "reference-whitespace": Rule(
        "error",
        "invalid",
        "A reference must not hold white space: '{found}'",
        "Une référence ne doit pas contenir d'espace : « {found} »",
    ),
    "reference-version-specific": Rule(
        "error",
        "structure",
        "The reference {found} must name a version: add /_history/ and its id",
        "La référence {found} doit nommer une version : ajouter /_history/ et son identifiant",
    ),
    "reference-version-independent": Rule(
        "error",
        "structure",
        "The reference {found} must not name a version: leave out /_history/ and what follows",
        "La référence {found} ne doit pas nommer de version : retirer /_history/ et la suite",
    ),
    "reference-aggregation": Rule(
        "error",
        "structure",
        "What '{found}' refers to must be {expected} here",
        "La cible de « {found} » doit être ici : {expected}",
    ),
    "identifier-system-relative": Rule(
        "error",
        "code-invalid",
        "An identifier's system must be an absolute URI, not '{found}'",
        "Le système d'un identifiant doit être une URI absolue, et non « {found} »",
    ),
    "identifier-not-uri": Rule(
        "error",
        "code-invalid",
        "The system says that the value is a URI, but '{found}' is not an absolute one",
        "Le système annonce une URI comme valeur, mais « {found} » n'est pas une URI absolue",
    ),
    "canonical-relative": Rule(
        "error",
        "invalid",
        "A canonical must be an absolute URL, not '{found}'",
        "Un canonical doit être une URL absolue, et non « {found} »",
    ),
    "contained-duplicate-id": Rule(
        "error",
        "business-rule",
        "Two contained resources have the id '{found}'",
        "Deux ressources contenues portent l'id « {found} »",
    ),
    "contained-unreferenced": Rule(
        "error",
        "invalid",
        "The contained resource '{found}' is not referred to, and does not refer to its container (dom-3)",
        "La ressource contenue « {found} » n'est pas référencée et ne référence pas son conteneur (dom-3)",
    ),
}

BUNDLE: dict[str, Rule] = {
    "bundle-full-url-relative": Rule(
        "error",
        "invalid",
        "A fullUrl must be an absolute URL, not '{found}'",
        "Un fullUrl doit être une URL absolue, et non « {found} »",
    ),
    "bundle-full-url-missing": Rule(
        "error", "required", "This entry needs a fullUrl", "Cette entrée doit porter un fullUrl"
    ),
    "bundle-full-url-duplicate": Rule(
        "error",
        "invalid",
        "The fullUrl {found} stands twice in this Bundle with the same version",
        "Le fullUrl {found} figure deux fois dans ce Bundle avec la même version",
    ),
    "bundle-full-url-id": Rule(
        "error",
        "invalid",
        "The fullUrl {found} does not end with the id of its resource, {expected}",
        "Le fullUrl {found} ne se termine pas par l'id de sa ressource, {expected}",
    ),
    "bundle-link": Rule(
        "error",
        "invalid",
        "The link relation '{found}' belongs to a searchset, not to a {expected}",
        "La relation de lien « {found} » est réservée aux searchset, ceci est un {expected}",
    ),
    "bundle-first-entry": Rule(
        "error",
        "invalid",
        "The first entry of a {expected} Bundle must be a {detail}, found {found}",
        "La première entrée d'un Bundle {expected} doit être {detail}, trouvé {found}",
        {"nothing": "rien"},
    ),
    "bundle-empty": Rule(
        "error", "invalid", "A {expected} Bundle needs entries", "Un Bundle {expected} doit avoir des entrées"
    ),
    "bundle-link-twice": Rule(
        "error",
        "invalid",
        "The link relation '{found}' stands twice: which one is meant?",
        "La relation de lien « {found} » figure deux fois : laquelle vaut ?",
    ),
    "bundle-search-resource": Rule(
        "error",
        "invalid",
        "Each entry of a search result must have a resource",
        "Chaque entrée d'un résultat de recherche doit porter une ressource",
    ),
    "bundle-reference-type": Rule(
        "error",
        "required",
        "'{found}' leads to a {expected} in this Bundle",
        "« {found} » mène à une ressource {expected} dans ce Bundle",
    ),
    "bundle-search-id": Rule(
        "error",
        "invalid",
        "A resource in a search result must have an id",
        "Une ressource d'un résultat de recherche doit avoir un id",
    ),
    "bundle-search-type": Rule(
        "error",
        "invalid",
        "A {found} does not answer this search, which is about {expected}",
        "Une ressource {found} ne répond pas à cette recherche, qui porte sur {expected}",
    ),
    "bundle-search-outcome": Rule(
        "error",
        "invalid",
        "An entry of mode outcome must be an OperationOutcome, found {found}",
        "Une entrée de mode outcome doit être un OperationOutcome, trouvé {found}",
    ),
    "bundle-reference": Rule(
        "error",
        "invalid",
        "'{found}' ({detail}) does not lead to an entry of this Bundle",
        "« {found} » ({detail}) ne mène à aucune entrée de ce Bundle",
    ),
    "bundle-unreachable": Rule(
        "error",
        "informational",
        "The entry {found} cannot be reached from the Composition by references",
        "L'entrée {found} n'est pas accessible par références depuis la Composition",
    ),
}
