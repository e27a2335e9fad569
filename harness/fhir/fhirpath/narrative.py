"""htmlChecks(): is a narrative's XHTML what FHIR allows?

Source: FHIR R4 https://hl7.org/fhir/R4/narrative.html#xhtml (XML without entities of HTML; the elements of HTML 4.0's
chapters 7 to 11 without forms and 15, plus ``a``, ``img`` and the list of attributes; some content).
"""

from xml.parsers import expat

_XHTML = "http://www.w3.org/1999/xhtml"
_ELEMENTS = (
    "div p br hr h1 h2 h3 h4 h5 h6 blockquote q pre ul ol li dl dt dd table caption colgroup col thead tbody tfoot tr "
    "th td a img span b i u s em strong small big tt sub sup dfn code samp kbd var cite abbr acronym address bdo ins "
    "del map area font center strike"
)
_ATTRIBUTES = (
    "title style class id lang dir accesskey tabindex xml:lang abbr accept align alt axis bgcolor border cellhalign "
    "cellpadding cellspacing cellvalign char charoff charset cite color cols colspan compact coords datetime disabled "
    "face frame headers height href hreflang hspace ismap longdesc name nohref noshade nowrap rel rev rows rowspan "
    "rules scope shape size span src start summary type usemap valign value vspace width xmlns"
)

_ALLOWED, _ALLOWED_ATTRIBUTES = frozenset(_ELEMENTS.split()), frozenset(_ATTRIBUTES.split())


class _Reader:
    def __init__(self) -> None:
        self.faults: list[str] = []
        self.depth = 0
        self.content = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        namespace, _, name = tag.rpartition(" ")
        if namespace != _XHTML:
            self.faults.append(f"<{name}> is not in the namespace {_XHTML}")
        if self.depth == 0 and name != "div":
            self.faults.append(f"the outermost element is <{name}>, not <div>")
        if name not in _ALLOWED:
            self.faults.append(f"<{name}> is not allowed")
        for attribute in attributes:
            if attribute.rpartition(" ")[2] not in _ALLOWED_ATTRIBUTES:
                self.faults.append(f"attribute {attribute.rpartition(' ')[2]} of <{name}> is not allowed")
        self.content = self.content or name == "img"
        self.depth += 1

    def end(self, _: str) -> None:
        self.depth -= 1

    def text(self, text: str) -> None:
        self.content = self.content or bool(text.strip())

    def doctype(self, *_: object) -> None:
        raise ValueError("a document type declaration is not allowed")


def narrative_faults(xhtml: str) -> tuple[str, ...]:
    """What is wrong with the text of a ``div``, each in a few words; nothing when it is fine."""
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = reader.doctype
    try:
        parser.Parse(xhtml, True)
    except (expat.ExpatError, ValueError) as error:
        return (f"not well-formed XHTML: {error}",)
    return tuple(reader.faults) if reader.content else (*reader.faults, "there is no content")
