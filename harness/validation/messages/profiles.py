"""What slices, codes, extensions and profiles may break."""

from harness.validation.messages.rule import Rule

SLICING: dict[str, Rule] = {
    "slice-unmatched": Rule(
        "error",
        "structure",
        "No slice of the closed slicing of {definition} matches: {detail}",
        "Aucune tranche de {definition}, découpage fermé, ne correspond : {detail}",
    ),
    "slice-min": Rule(
        "error",
        "structure",
        "Slice {definition}: at least {expected} needed, {found} found{detail}",
        "Tranche {definition} : il en faut au moins {expected}, {found} trouvé(s){detail}",
    ),
    "slice-max": Rule(
        "error",
        "structure",
        "Slice {definition}: at most {expected} allowed, {found} found",
        "Tranche {definition} : au plus {expected} admis, {found} trouvé(s)",
    ),
    "slice-order": Rule(
        "error",
        "structure",
        "Slice {found} stands after {expected}, but the slicing is ordered",
        "La tranche {found} vient après {expected}, alors que le découpage est ordonné",
    ),
    "slice-ambiguous": Rule(
        "error",
        "structure",
        "This belongs to two slices at once, {expected} and {found}: the discriminators must tell them apart",
        "Ceci relève de deux tranches à la fois, {expected} et {found} : les discriminants doivent les distinguer",
    ),
    "slice-after-open": Rule(
        "error",
        "structure",
        "An item of slice {found} stands after items that match no slice (the slicing is open at its end)",
        "Un élément de la tranche {found} suit des éléments sans tranche (découpage ouvert à la fin)",
    ),
    "slice-undecided": Rule(
        "information",
        "not-supported",
        "The slices of {definition} could not be told apart: {detail}",
        "Les tranches de {definition} n'ont pas pu être distinguées : {detail}",
    ),
}

TERMINOLOGY: dict[str, Rule] = {
    "binding-required": Rule(
        "error",
        "code-invalid",
        "{found} is not in the value set {expected}, from which a code is required{detail}",
        "{found} n'est pas dans le jeu de valeurs {expected}, dont un code est exigé{detail}",
    ),
    "binding-maximum": Rule(
        "error",
        "code-invalid",
        "{found} is not in the maximum value set {expected}{detail}",
        "{found} n'est pas dans le jeu de valeurs maximal {expected}{detail}",
    ),
    "binding-extensible": Rule(
        "warning",
        "code-invalid",
        "{found} is not in the value set {expected}: use one of its codes if one fits{detail}",
        "{found} n'est pas dans le jeu de valeurs {expected} : utiliser un de ses codes s'il convient{detail}",
    ),
    "binding-preferred": Rule(
        "information",
        "code-invalid",
        "{found} is not in the value set {expected}, whose codes are preferred",
        "{found} n'est pas dans le jeu de valeurs {expected}, dont les codes sont préférés",
    ),
    "binding-no-code": Rule(
        "error",
        "code-invalid",
        "No code is given, and one from the value set {expected} is required",
        "Aucun code n'est donné, et un code du jeu de valeurs {expected} est exigé",
    ),
    "binding-undecided": Rule(
        "information",
        "not-found",
        "Whether {found} is in the value set {expected} is not known here: {detail}",
        "L'appartenance de {found} au jeu de valeurs {expected} n'est pas connue ici : {detail}",
    ),
    "code-undecided": Rule(
        "information",
        "not-found",
        "The coding {found} could not be judged: {detail}",
        "Le codage {found} n'a pas pu être jugé : {detail}",
    ),
    "code-unknown": Rule(
        "error",
        "code-invalid",
        "The code '{found}' is not in the code system {expected}{detail}",
        "Le code « {found} » n'est pas dans le système de codes {expected}{detail}",
    ),
    "code-inactive": Rule(
        "information",
        "business-rule",
        "The code '{found}' of {expected} is not for use any more: look for the one that took its place",
        "Le code « {found} » de {expected} n'est plus à employer : chercher celui qui l'a remplacé",
    ),
    "display-wrong": Rule(
        "error",
        "invalid",
        "The display of {detail} is '{expected}', not '{found}'",
        "Le libellé de {detail} est « {expected} », et non « {found} »",
    ),
    "coding-system-value-set": Rule(
        "error",
        "code-invalid",
        "'{found}' is a value set: a coding names the code system that its code comes from",
        "« {found} » est un jeu de valeurs : un codage nomme le système de codes dont vient son code",
    ),
    "extension-other-definition": Rule(
        "error",
        "structure",
        "{found} does not define an extension, but {expected}",
        "{found} ne définit pas une extension, mais {expected}",
    ),
    "label-duplicate": Rule(
        "error",
        "duplicate",
        "The security label {found} is there already",
        "L'étiquette de sécurité {found} est déjà là",
    ),
    "coding-system-https": Rule(
        "error",
        "code-invalid",
        "'{found}' is no code system: the URI of the one that is meant begins with http:",
        "« {found} » n'est pas un système de codes : l'URI de celui qui est visé commence par http:",
    ),
    "coding-system-unknown": Rule(
        "error",
        "code-invalid",
        "There is no code system '{found}' among those of its publisher",
        "Il n'y a pas de système de codes « {found} » parmi ceux de son éditeur",
    ),
    "coding-system-relative": Rule(
        "error",
        "code-invalid",
        "A coding system must be an absolute URI, not '{found}'",
        "Un système de codes doit être une URI absolue, et non « {found} »",
    ),
}

EXTENSIONS: dict[str, Rule] = {
    "extension-unknown": Rule(
        "error",
        "structure",
        "The extension {found} is not defined in the packages at hand, so it is not allowed here",
        "L'extension {found} n'est définie dans aucun des paquets présents, elle n'est donc pas admise ici",
    ),
    "extension-undecided": Rule(
        "information",
        "not-found",
        "The extension {found} could not be judged: its definition is not at hand",
        "L'extension {found} n'a pas pu être jugée : sa définition n'est pas disponible",
    ),
    "extension-url": Rule(
        "error",
        "invalid",
        "An extension needs a url that says which one it is",
        "Une extension doit porter une url qui l'identifie",
    ),
    "extension-url-version": Rule(
        "error",
        "invalid",
        "The url of an extension must not carry a version: {found}",
        "L'url d'une extension ne doit pas porter de version : {found}",
    ),
    "extension-url-relative": Rule(
        "error",
        "invalid",
        "The url of an extension must be absolute here: {found}",
        "L'url d'une extension doit être absolue ici : {found}",
    ),
    "extension-part": Rule(
        "error",
        "structure",
        "The extension {expected} has no part '{found}'{detail}",
        "L'extension {expected} n'a pas de partie « {found} »{detail}",
    ),
    "extension-context": Rule(
        "error",
        "structure",
        "The extension {found} is not allowed here: it belongs on {expected}",
        "L'extension {found} n'est pas admise ici : sa place est sur {expected}",
    ),
    "extension-context-rule": Rule(
        "error",
        "structure",
        "The extension {found} may stand here only where this holds, and it does not: {expected}",
        "L'extension {found} n'est admise ici que si ceci est vrai, ce qui n'est pas le cas : {expected}",
    ),
    "extension-context-undecided": Rule(
        "information",
        "not-supported",
        "Whether the extension {found} may stand here could not be told: {expected}",
        "On n'a pu établir si l'extension {found} est admise ici : {expected}",
    ),
    "extension-modifier": Rule(
        "error",
        "structure",
        "The extension {found} must {detail}be a modifierExtension",
        "L'extension {found} doit {detail}être une modifierExtension",
    ),
}

PROFILES: dict[str, Rule] = {
    "profile-unknown": Rule(
        "information",
        "not-found",
        "The profile {found} is not known here, so it was not checked",
        "Le profil {found} n'est pas connu ici, il n'a donc pas été vérifié",
    ),
    "profile-other-version": Rule(
        "information",
        "not-found",
        "The profile {found} is known here only in version {expected}, so it was not checked: add the package "
        "of that version, or ask for the profile without one",
        "Le profil {found} n'est connu ici qu'en version {expected}, il n'a donc pas été vérifié : ajouter le paquet "
        "de cette version, ou demander le profil sans version",
    ),
    "profile-required-unknown": Rule(
        "error",
        "not-found",
        "The profile {found} was asked for and is not known here: add the package that defines it",
        "Le profil {found} est demandé et n'est pas connu ici : ajouter le paquet qui le définit",
    ),
    "profile-broken": Rule(
        "information",
        "not-supported",
        "The profile {found} could not be used: {detail}",
        "Le profil {found} n'a pas pu être utilisé : {detail}",
    ),
    "profile-none-matches": Rule(
        "error",
        "structure",
        "This matches none of the profiles allowed here: {expected}{detail}",
        "Ceci n'est conforme à aucun des profils admis ici : {expected}{detail}",
    ),
    "definition-invalid": Rule(
        "error",
        "business-rule",
        "The definition does not hold together: {detail}",
        "La définition n'est pas cohérente : {detail}",
    ),
}
