"""What the JSON parser of Python says, in words of ours and in both languages."""

PARSER: dict[str, tuple[str, str]] = {
    "Expecting value": ("a value is expected here", "une valeur est attendue ici"),
    "Expecting property name": (
        "a key in double quotes is expected here",
        "une clé entre guillemets droits est attendue ici",
    ),
    "Expecting ':'": ("a colon is expected here", "un deux-points est attendu ici"),
    "Expecting ','": ("a comma is expected here", "une virgule est attendue ici"),
    "Illegal trailing comma": ("this comma has nothing after it", "rien ne suit cette virgule"),
    "Invalid control character": (
        "this control character must be escaped",
        "ce caractère de contrôle doit être échappé",
    ),
    "Invalid \\u": (
        "\\u must be followed by four hexadecimal digits",
        "\\u doit être suivi de quatre chiffres hexadécimaux",
    ),
    "Invalid \\escape": ("JSON has no such escape", "cet échappement n'existe pas en JSON"),
    "Unterminated string": ("the string that begins here does not end", "la chaîne qui commence ici ne se termine pas"),
    "Extra data": ("there is more text after the value", "du texte suit la valeur"),
}
"""By how the message of json.JSONDecodeError begins: (English, French)."""

UNKNOWN = ("the text is not well-formed here", "le texte n'est pas bien formé ici")


def parser_fault(message: str) -> tuple[str, str]:
    """Return what the parser's ``message`` means, in English and in French."""
    return next((words for start, words in PARSER.items() if message.startswith(start)), UNKNOWN)
