"""Which Observations are vital signs, by their LOINC codes (FHIR R4, Observation, vital signs profiles).

An Observation that records a vital sign conforms to its profile. One that says more precisely what was measured, and
how, by another code of LOINC still carries the code of the profile, which comes first here.
"""

_PROFILES = {
    "vitalspanel": "85353-1",
    "resprate": "9279-1 11291-2 19840-8 33438-3 76170-0 76171-8 76172-6 76270-8",
    "heartrate": (
        "8867-4 8886-4 8889-8 8890-6 8891-4 8892-2 8893-0 11328-2 40443-4 55425-3 60978-4 68999-2 69000-8 "
        "73795-7 73799-9 76476-1 76477-9"
    ),
    "oxygensat": "2708-6 2709-4 2710-2 2713-6 19224-5 20564-1 51733-4 59408-5 59417-6 89276-0 97549-0",
    "bodytemp": (
        "8310-5 8309-7 8328-7 8329-5 8330-3 8331-1 8332-9 8333-7 8334-5 60834-9 60835-6 60836-4 60838-0 "
        "60955-2 61009-7 75539-7 75987-8 76010-8 76011-6 76278-1 91371-5 98657-0 98663-8"
    ),
    "bodyheight": "8302-2 3137-7 3138-5 8306-3 8308-9",
    "headcircum": "9843-4 8287-5",
    "bodyweight": "29463-7 3141-9 3142-7 8350-1 8351-9 75292-3 79348-9",
    "bmi": "39156-5 89270-3",
    "bp": "85354-9 8459-0 8480-6 35094-2 55284-4 76534-7",
}

VITAL_SIGNS = {code: profile for profile, codes in _PROFILES.items() for code in codes.split()}
"""LOINC code -> the last part of the URL of the profile that an Observation with it must conform to."""

OWN_CODES = frozenset(codes.split()[0] for codes in _PROFILES.values())
"""The codes that the profiles themselves ask for."""
