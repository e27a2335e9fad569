"""What the rules of single resource types may find: code systems, value sets, questionnaires and their answers."""

from harness.validation.messages.rule import Rule

CODE_SYSTEMS: dict[str, Rule] = {
    "code-system-duplicate": Rule(
        "error", "business-rule", "The code {found} is defined more than once", "Le code {found} est défini deux fois"
    ),
    "code-system-count": Rule(
        "error",
        "business-rule",
        "The code system says that it is complete with {expected} concepts, and holds {found}",
        "Le système se dit complet avec {expected} concepts et en contient {found}",
    ),
    "code-system-content": Rule(
        "error",
        "business-rule",
        "The code system says that its content is not present, but holds concepts",
        "Le système de codes se dit sans contenu mais contient des concepts",
    ),
    "code-system-value-set": Rule(
        "error",
        "business-rule",
        "{found} is not the value set of all codes of this system ({detail})",
        "{found} n'est pas le jeu de tous les codes de ce système ({detail})",
    ),
    "supplement-content": Rule(
        "error",
        "business-rule",
        "A code system that supplements another has the content 'supplement', not '{found}'",
        "Un système de codes qui en complète un autre a pour contenu « supplement » et non « {found} »",
    ),
    "supplement-of-nothing": Rule(
        "error",
        "business-rule",
        "A supplement must say which code system it supplements (supplements)",
        "Un supplément doit dire quel système de codes il complète (supplements)",
    ),
    "supplement-redefines": Rule(
        "error",
        "business-rule",
        "A supplement does not say anew what the code system says: {found}",
        "Un supplément ne redit pas ce que dit le système de codes : {found}",
    ),
    "supplement-code": Rule(
        "error",
        "business-rule",
        "The code {found} is none of {expected}, and a supplement adds none{detail}",
        "Le code {found} n'est pas de {expected}, et un supplément n'en ajoute pas{detail}",
    ),
    "property-duplicate": Rule(
        "error",
        "business-rule",
        "The property {found} is defined more than once",
        "La propriété {found} est définie plusieurs fois",
    ),
    "property-uri": Rule(
        "error",
        "business-rule",
        "The uri of a property must be absolute, not '{found}'",
        "L'uri d'une propriété doit être absolue, et non « {found} »",
    ),
    "property-not-standard": Rule(
        "error",
        "business-rule",
        "{found} is none of HL7's properties ({expected}): define your own under a URI of yours",
        "{found} n'est pas une propriété de HL7 ({expected}) : définissez la vôtre sous une URI à vous",
    ),
    "property-type": Rule(
        "error",
        "business-rule",
        "The property {detail} is of type {expected}, not {found}",
        "La propriété {detail} est de type {expected} et non {found}",
    ),
    "property-value-set": Rule(
        "error",
        "code-invalid",
        "{found} is not in {expected}, the value set of the property",
        "{found} n'est pas dans {expected}, le jeu de valeurs de la propriété",
    ),
    "property-code": Rule(
        "error",
        "business-rule",
        "{found} is no code of this code system",
        "{found} n'est pas un code de ce système",
    ),
}

VALUE_SETS: dict[str, Rule] = {
    "value-set-import": Rule(
        "error",
        "business-rule",
        "{found} is a code system: name it in 'system', or name its value set",
        "{found} est un système de codes : mettez-le dans « system », ou nommez son jeu de valeurs",
    ),
    "value-set-system": Rule(
        "error",
        "business-rule",
        "The system of an include is an absolute URI, not '{found}'",
        "Le système d'un include est une URI absolue, et non « {found} »",
    ),
    "value-set-system-version": Rule(
        "error",
        "business-rule",
        "The version stands in 'version' and not in the system '{found}'",
        "La version se met dans « version » et non dans le système « {found} »",
    ),
    "value-set-system-oid": Rule(
        "error",
        "business-rule",
        "FHIR knows {found} as {expected}: use that URI",
        "FHIR connaît {found} sous {expected} : utilisez cette URI",
    ),
    "value-set-system-is-value-set": Rule(
        "error",
        "business-rule",
        "{found} is a value set and no code system: name it in 'valueSet'",
        "{found} est un jeu de valeurs et non un système de codes : mettez-le dans « valueSet »",
    ),
    "value-set-supplement": Rule(
        "error",
        "business-rule",
        "{found} is a supplement: name the code system, {expected}",
        "{found} est un supplément : nommez le système de codes, {expected}",
    ),
    "filter-operator": Rule(
        "error",
        "business-rule",
        "The operator {found} is not allowed for the property {detail} (allowed: {expected})",
        "L'opérateur {found} n'est pas admis pour la propriété {detail} (admis : {expected})",
    ),
    "filter-value": Rule(
        "error",
        "business-rule",
        "The filter on {detail} needs a value of type {expected}, not '{found}'",
        "Le filtre sur {detail} veut une valeur de type {expected}, et non « {found} »",
    ),
    "filter-code": Rule(
        "error",
        "business-rule",
        "The filter names the code {found}, which is none of {expected}{detail}",
        "Le filtre nomme le code {found}, qui n'est pas de {expected}{detail}",
    ),
    "not-a-value-set": Rule(
        "error",
        "business-rule",
        "{found} is a {expected} and no ValueSet",
        "{found} est une ressource {expected} et non un ValueSet",
    ),
}

QUESTIONNAIRES: dict[str, Rule] = {
    "enable-when-self": Rule(
        "error",
        "business-rule",
        "The item {found} cannot be enabled by its own answer",
        "L'élément {found} ne peut pas être activé par sa propre réponse",
    ),
    "enable-when-unknown": Rule(
        "error",
        "business-rule",
        "enableWhen refers to the linkId {found}, which no item has{detail}",
        "enableWhen renvoie au linkId {found}, qu'aucun élément ne porte{detail}",
    ),
    "enable-when-inner": Rule(
        "error",
        "business-rule",
        "The item cannot be enabled by {found}, a question inside it",
        "L'élément ne peut pas être activé par {found}, une question qu'il contient",
    ),
    "questionnaire-derived": Rule(
        "error",
        "business-rule",
        "{found} is not as in {expected}, from which this questionnaire is derived: {detail}",
        "{found} n'est pas comme dans {expected}, dont ce questionnaire est dérivé : {detail}",
    ),
    "questionnaire-unknown": Rule(
        "information",
        "not-found",
        "The questionnaire {found} is not known, so the answers could not be judged by it: add it with its package",
        "Le questionnaire {found} est inconnu, les réponses n'ont pas été jugées : ajoutez-le avec son paquet",
    ),
    "answer-unknown": Rule(
        "error",
        "structure",
        "The questionnaire has no item with the linkId {found}{detail}",
        "Le questionnaire n'a pas d'élément de linkId {found}{detail}",
    ),
    "answer-misplaced": Rule(
        "error",
        "structure",
        "The item {found} stands elsewhere in the questionnaire",
        "L'élément {found} a une autre place dans le questionnaire",
    ),
    "answer-order": Rule(
        "error",
        "structure",
        "The item {found} stands after {expected}; the questionnaire has them the other way round",
        "L'élément {found} vient après {expected} ; le questionnaire les donne dans l'autre ordre",
    ),
    "answer-missing": Rule(
        "error",
        "required",
        "The required item {found} has no answer",
        "L'élément obligatoire {found} est sans réponse",
    ),
    "answer-item-repeats": Rule(
        "error",
        "structure",
        "The item {found} does not repeat: give it once",
        "L'élément {found} ne se répète pas : donnez-le une fois",
    ),
    "answer-not-enabled": Rule(
        "error",
        "business-rule",
        "The item {found} is answered although its condition (enableWhen) is not met",
        "L'élément {found} a une réponse alors que sa condition (enableWhen) n'est pas remplie",
    ),
    "answer-text": Rule(
        "error",
        "business-rule",
        "The text is not the question's: '{found}' instead of '{expected}'",
        "Le texte n'est pas celui de la question : « {found} » au lieu de « {expected} »",
    ),
    "answer-none-expected": Rule(
        "error",
        "structure",
        "An item of type {expected} has no answers",
        "Un élément de type {expected} n'a pas de réponse",
    ),
    "answer-display-items": Rule(
        "error",
        "structure",
        "The display item {found} holds no items",
        "L'élément d'affichage {found} ne contient pas d'éléments",
    ),
    "answer-count": Rule(
        "error",
        "structure",
        "{found} answers, allowed: {expected}",
        "{found} réponses, admis : {expected}",
    ),
    "answer-exclusive": Rule(
        "error",
        "business-rule",
        "This option excludes any other, and there are {found} answers",
        "Cette option exclut toute autre, et il y a {found} réponses",
    ),
    "answer-type": Rule(
        "error",
        "structure",
        "The answer is of type {found}, the question asks for {expected}",
        "La réponse est de type {found}, la question demande {expected}",
    ),
    "answer-option": Rule(
        "error",
        "code-invalid",
        "{found} is none of the options of the question ({expected})",
        "{found} n'est pas une option de la question ({expected})",
    ),
    "answer-value-set": Rule(
        "error",
        "code-invalid",
        "{found} is not in the value set of the options, {expected}",
        "{found} n'est pas dans le jeu de valeurs des options, {expected}",
    ),
    "answer-limit": Rule(
        "error",
        "value",
        "{found} breaks the limit {detail} of the question ({expected})",
        "{found} enfreint la limite {detail} de la question ({expected})",
    ),
}
