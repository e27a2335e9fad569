"""Code systems whose codes follow a grammar instead of a list: UCUM, languages, media types, URIs; and check digits.

Sources: The Unified Code for Units of Measure 2.1 (https://ucum.org/ucum), BCP 47 (RFC 5646), BCP 13 (RFC 6838),
RFC 3986 (absolute, as R4 wants identifiers), the LOINC Users' Guide (check digit, mod 10).
"""

import re
from functools import lru_cache

UCUM = "http://unitsofmeasure.org"
LANGUAGES = "urn:ietf:bcp:47"
MEDIA_TYPES = "urn:ietf:bcp:13"
URIS = "urn:ietf:rfc:3986"
LOINC = "http://loinc.org"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PREFIXES = _words("Y Z E P T G M k h da d c m u n p f a z y Ki Mi Gi Ti")
# Units that take a prefix, and units that do not (UCUM tables 2 to 25, case sensitive codes).
_METRIC = _words(
    """m s g rad K C cd mol sr Hz N Pa J W A V F Ohm S Wb Cel T H lm lx Bq Gy Sv l L ar t bar u eV pc erg dyn
    P St Ky Gal kat U [iU] [IU] G Mx Gb Oe Ci R RAD REM Np B B[SPL] B[V] B[mV] B[uV] B[10.nV] B[W] B[kW] Lmb ph sb
    mho bit By Bi Bd st eq osm cal cal_[15] cal_[20] cal_m cal_IT cal_th bar m[H2O] m[Hg] g% tex g%% att b [c] [h] [k]
    [eps_0] [mu_0] [e] [m_e] [m_p] [G] [g] gf [ly] mol"""
)
_OTHER = _words(
    """% [ppth] [ppm] [ppb] [pptr] [pi] 10* 10^ gon deg ' '' min h d a_t a_j a_g a wk mo_s mo_j mo_g mo AU atm
    [lbf_av] [in_i] [ft_i] [yd_i] [mi_i] [fth_i] [nmi_i] [kn_i] [sin_i] [sft_i] [syd_i] [cin_i] [cft_i] [cyd_i]
    [bf_i] [cr_i] [mil_i] [cml_i] [hd_i] [ft_us] [yd_us] [in_us] [rd_us] [ch_us] [lk_us] [rch_us] [rlk_us] [fth_us]
    [fur_us] [mi_us] [acr_us] [srd_us] [smi_us] [sct] [twp] [mil_us] [in_br] [ft_br] [rd_br] [ch_br] [lk_br]
    [fth_br] [pc_br] [yd_br] [mi_br] [nmi_br] [kn_br] [acr_br] [gal_us] [bbl_us] [qt_us] [pt_us] [gil_us] [foz_us]
    [fdr_us] [min_us] [crd_us] [bu_us] [gal_wi] [pk_us] [dqt_us] [dpt_us] [tbs_us] [tsp_us] [cup_us] [foz_m]
    [cup_m] [tsp_m] [tbs_m] [gal_br] [pk_br] [bu_br] [qt_br] [pt_br] [gil_br] [foz_br] [fdr_br] [min_br] [gr]
    [lb_av] [oz_av] [dr_av] [scwt_av] [lcwt_av] [ston_av] [lton_av] [stone_av] [pwt_tr] [oz_tr] [lb_tr] [sc_ap]
    [dr_ap] [oz_ap] [lb_ap] [oz_m] [lne] [pnt] [pca] [pnt_pr] [pca_pr] [pied] [pouce] [ligne] [didot] [cicero]
    [degF] [degR] [degRe] cal [Cal] [Btu_39] [Btu_59] [Btu_60] [Btu_m] [Btu_IT] [Btu_th] [Btu] [HP]
    [den] [psi] circ sph [car_m] [car_Au] [smoot] [m/s2/Hz^0.5] bit_s [g] [in_i'H2O] [in_i'Hg] [PRU] [wood'U]
    Ao [diop] [p'diop] %[slope] [mesh_i] [Ch] [drp] [hnsf'U] [MET] [hp'_X] [hp'_C] [hp'_M] [hp'_Q] [hp_X] [hp_C]
    [hp_M] [hp_Q] [kp_X] [kp_C] [kp_M] [kp_Q] [pH] [S] [HPF] [LPF] [arb'U] [USP'U] [GPL'U] [MPL'U] [APL'U]
    [beth'U] [anti'Xa'U] [todd'U] [dye'U] [smgy'U] [bdsk'U] [ka'U] [knk'U] [mclg'U] [tb'U] [CCID_50] [TCID_50]
    [EID_50] [PFU] [FFU] [CFU] [IR] [BAU] [AU] [Amb'a'1'U] [PNU] [Lf] [D'ag'U] [FEU] [ELU] [EU] [m/s2/Hz^0.5]
    [NTU] [FNU] [degRe] [aB] [dye'U] [Ehrlich'U] [u_tot] [hb'U] [HPF] [ISO'U] [car] [in_i'H2O] [APL'U]"""
)
_ABSOLUTE_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S")
_EXPONENT = re.compile(r"[+-]?\d+$")
_ANNOTATION = re.compile(r"\{[ -z|~]*\}")
_LANGUAGE = re.compile(
    r"(?:(?P<language>[a-z]{2,3})(?:-[a-z]{3}){0,3}(?:-[a-z]{4})?(?:-(?:[a-z]{2}|\d{3}))?"
    r"(?:-(?:[a-z0-9]{5,8}|\d[a-z0-9]{3}))*(?:-[a-wyz0-9](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?"
    r"|x(?:-[a-z0-9]{1,8})+|i-[a-z0-9-]{3,})",
    re.IGNORECASE,
)
_ISO_639_1 = _words(
    """aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en
    eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik in io is it iu iw
    ja ji jv jw ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mo mr ms mt
    my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si sk sl sm
    sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh
    zu"""
)
_TOKEN = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
_MEDIA_TYPE = re.compile(
    r"(?:application|audio|chemical|font|haptics|image|message|model|multipart|text|video|x-[a-z-]+)/"
    + _TOKEN
    + r"(?:\s*;\s*"
    + _TOKEN
    + r'=(?:"[^"]*"|[^\s;"]+))*',
    re.IGNORECASE,
)


def is_code(system: str, code: str) -> bool | None:
    """Say whether ``code`` is one of ``system``: None where the grammar alone does not tell, or there is none.

    A language of two letters must be in ISO 639-1; one of three letters cannot be told from a list kept here.
    """
    if system == UCUM:
        return is_ucum(code)
    if system == URIS:
        return _ABSOLUTE_URI.match(code) is not None
    if system == MEDIA_TYPES:
        return _MEDIA_TYPE.fullmatch(code) is not None
    if system == LANGUAGES:
        match = _LANGUAGE.fullmatch(code)
        language = match["language"] if match else ""
        if not match or (language and len(language) == 2 and language.lower() not in _ISO_639_1):
            return False
        return True if language and len(language) == 2 else None
    if system == LOINC:
        return None if _is_loinc(code) else False
    return None


_LOINC = re.compile(r"(?P<digits>[0-9]{1,8})-(?P<check>[0-9])")


def _is_loinc(code: str) -> bool:
    """Whether a LOINC code has the check digit of its number, or is of a form that has none to check here."""
    match = _LOINC.fullmatch(code)
    if match is None:
        return True
    total = 0
    for place, digit in enumerate(reversed(match["digits"])):
        doubled = int(digit) * (1 if place % 2 else 2)
        total += doubled - 9 if doubled > 9 else doubled
    return (10 - total % 10) % 10 == int(match["check"])


@lru_cache(maxsize=4096)
def is_ucum(code: str) -> bool:
    """Say whether ``code`` is a well-formed UCUM expression (case sensitive) of known units."""
    if not code or not code.isascii():
        return False
    without = _ANNOTATION.sub("\0", code)
    return " " not in without and "{" not in without and "}" not in without and _is_term(without.removeprefix("/"))


def _is_term(text: str) -> bool:
    """Components joined by ``.`` and ``/``; brackets of units may hold either, parentheses nest."""
    parts, depth, square, start = [], 0, False, 0
    for place, letter in enumerate(text):
        if letter in "[]":
            square = letter == "["
        elif not square and letter in "()":
            depth += 1 if letter == "(" else -1
        elif not square and depth == 0 and letter in "./":
            parts.append(text[start:place])
            start = place + 1
        if depth < 0:
            return False
    parts.append(text[start:])
    return depth == 0 and all(map(_is_component, parts))


def _is_component(text: str) -> bool:
    bare = text.rstrip("\0")
    if not bare:
        return bool(text)
    if bare.startswith("(") and bare.endswith(")"):
        return _is_term(bare[1:-1])
    if bare.isdigit() or bare in _OTHER or _is_metric(bare):
        return True
    exponent = _EXPONENT.search(bare)
    unit = bare[: exponent.start()] if exponent else ""
    return bool(unit) and (unit in _OTHER or _is_metric(unit))


def _is_metric(unit: str) -> bool:
    return unit in _METRIC or any(unit.startswith(p) and unit[len(p) :] in _METRIC for p in _PREFIXES)
