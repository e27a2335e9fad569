"""What a primitive value must look like, told where it does not (FHIR R4 datatypes §2.24.0.1)."""

from __future__ import annotations

Words = tuple[str, str]
"""English and French."""
_DATE = "YYYY, YYYY-MM or YYYY-MM-DD", "AAAA, AAAA-MM ou AAAA-MM-JJ"
_LINK = "no spaces", "sans espace"
_FORMS: dict[str, Words] = {
    "integer": ("a whole number without decimals or leading zeros", "un nombre entier, sans décimale ni zéro initial"),
    "code": (
        "no spaces around it, and one at most between words",
        "sans espace autour, un seul au plus entre les mots",
    ),
    "id": ("1 to 64 letters, digits, - and .", "1 à 64 lettres, chiffres, - et ."),
    "uri": _LINK,
    "url": _LINK,
    "canonical": _LINK,
    "oid": ("urn:oid: and numbers with points between them", "urn:oid: suivi de nombres séparés par des points"),
    "uuid": ("urn:uuid: and 32 hexadecimal digits in lower case", "urn:uuid: et 32 chiffres hexadécimaux minuscules"),
    "time": ("hh:mm:ss, without a time zone", "hh:mm:ss, sans fuseau horaire"),
    "date": _DATE,
    "dateTime": (
        f"{_DATE[0]}, or YYYY-MM-DDThh:mm:ss with Z or +hh:mm",
        f"{_DATE[1]}, ou AAAA-MM-JJThh:mm:ss avec Z ou +hh:mm",
    ),
    "instant": ("YYYY-MM-DDThh:mm:ss with Z or +hh:mm", "AAAA-MM-JJThh:mm:ss avec Z ou +hh:mm"),
    "base64Binary": ("groups of four of A-Z, a-z, 0-9, + and /, filled up with =", "base64, complété par ="),
}
_FORMS |= dict.fromkeys(("unsignedInt", "positiveInt"), _FORMS["integer"])
_RANGES: dict[str, Words] = {
    "integer": ("from -2,147,483,648 to 2,147,483,647", "de -2 147 483 648 à 2 147 483 647"),
    "unsignedInt": ("from 0 to 2,147,483,647", "de 0 à 2 147 483 647"),
    "positiveInt": ("from 1 to 2,147,483,647", "de 1 à 2 147 483 647"),
    "decimal": ("a finite number", "un nombre fini"),
}
_OTHER: dict[str, Words] = {
    "calendar": ("there is no such day", "ce jour n'existe pas"),
    "control": ("it holds a control character", "il contient un caractère de contrôle"),
    "empty": ("it is empty: leave the element out", "il est vide : omettre l'élément"),
    "length": ("it is too long", "il est trop long"),
}


def explain(problem: str, name: str) -> Words:
    """What is wrong with a value of the primitive type ``name``, in brackets; ``problem`` is what its check gives."""
    table = {"format": _FORMS, "range": _RANGES}.get(problem)
    words = table.get(name) if table is not None else _OTHER.get(problem)
    en, fr = words or (problem, problem)
    return f" ({en})", f" ({fr})"
