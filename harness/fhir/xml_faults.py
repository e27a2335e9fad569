"""What the parsers of XML, libxml2 and expat, say of a text that is not well-formed, in French."""

import re

_MISMATCH = re.compile(r"Opening and ending tag mismatch: (\S+) (?:line (\d+) )?and ([^\s,]+)")
_PLACE = re.compile(r"(?:, |: )?line (\d+), column (\d+)$")

LIBXML: dict[int, str] = {
    4: "le document est vide, ou ne commence pas par un élément",
    5: "du contenu suit la fin du document",
    9: "un caractère n'est pas admis en XML",
    23: "il manque le « ; » d'une entité",
    26: "une entité n'est pas déclarée",
    29: "un attribut fait référence à une entité externe",
    32: "l'encodage annoncé n'est pas connu",
    38: "« < » n'est pas admis dans la valeur d'un attribut",
    39: "la valeur d'un attribut doit être entre guillemets",
    40: "la valeur d'un attribut ne se termine pas",
    41: "un attribut n'a pas de valeur",
    42: "un attribut figure deux fois",
    45: "un commentaire ne se termine pas",
    63: "une section CDATA ne se termine pas",
    64: "la déclaration XML n'est admise qu'au tout début",
    65: "il manque une espace entre deux attributs",
    68: "un nom est attendu",
    73: "il manque « > », ou une espace entre deux attributs",
    74: "« </ » est attendu",
    76: "une balise de fin ne correspond pas à celle qui est ouverte",
    77: "un élément n'est pas fermé",
    80: "« -- » n'est pas admis dans un commentaire",
    81: "le texte n'est pas dans l'encodage annoncé",
    201: "un préfixe d'espace de noms n'est pas déclaré",
    202: "un nom n'est pas admis en XML",
}
"""By the number of the error (lxml.etree.ErrorTypes)."""

EXPAT: dict[str, str] = {
    "syntax error": "la syntaxe n'est pas celle de XML",
    "no element found": "aucun élément, ou le texte s'arrête avant sa fin",
    "not well-formed (invalid token)": "le texte n'est pas bien formé ici",
    "unclosed token": "une balise n'est pas terminée",
    "mismatched tag": "une balise de fin ne correspond pas à celle qui est ouverte",
    "duplicate attribute": "un attribut figure deux fois",
    "junk after document element": "du contenu suit l'élément racine",
    "undefined entity": "une entité n'est pas déclarée",
    "reference to invalid character number": "un numéro de caractère n'est pas admis en XML",
    "XML or text declaration not at start of entity": "la déclaration XML n'est admise qu'au tout début",
    "unclosed CDATA section": "une section CDATA ne se termine pas",
    "unbound prefix": "un préfixe d'espace de noms n'est pas déclaré",
    "unknown encoding": "l'encodage annoncé n'est pas connu",
    "XML declaration not well-formed": "la déclaration XML n'est pas bien formée",
    "encoding specified in XML declaration is incorrect": "l'encodage annoncé n'est pas celui du texte",
}
"""By the words of the error (xml.parsers.expat.errors)."""

_UNKNOWN = "le texte n'est pas bien formé ici"


def libxml_fault(error: SyntaxError) -> str:
    """Return in French what libxml2 says by the code of an XMLSyntaxError and its message, which tells the place."""
    message = error.msg
    crossed = _MISMATCH.match(message)
    if crossed:
        opened = f" à la ligne {crossed[2]}" if crossed[2] else ""
        said = f"</{crossed[3]}> ne ferme pas <{crossed[1]}>, ouvert{opened}"
    else:
        said = LIBXML.get(getattr(error, "code", 0), _UNKNOWN)
    return said + _place(message)


def expat_fault(message: str) -> str:
    """Return in French what expat says by ``message``, which ends with the place."""
    return EXPAT.get(_PLACE.sub("", message), _UNKNOWN) + _place(message)


def _place(message: str) -> str:
    found = _PLACE.search(message)
    return f" (ligne {found[1]}, colonne {found[2]})" if found else ""
