"""Countries as papers name them, each with the name it is reported under."""

__all__ = ["COUNTRIES"]

_LIST = """
Afghanistan Albania Algeria Angola Argentina Armenia Australia Austria Azerbaijan Bahrain Bangladesh Belarus
Belgium Benin Bolivia Botswana Brazil Bulgaria Burundi Cambodia Cameroon Canada Chad Chile China Colombia
Croatia Cuba Cyprus Denmark Ecuador Egypt Estonia Ethiopia Finland France Gabon Gambia Germany Ghana Greece
Greenland Guatemala Guinea Haiti Honduras Hungary Iceland India Indonesia Iran Iraq Ireland Israel Italy Jamaica
Japan Kazakhstan Kenya Kuwait Laos Latvia Lebanon Liberia Libya Lithuania Luxembourg Madagascar Malawi Malaysia
Mali Malta Mexico Moldova Mongolia Morocco Mozambique Myanmar Namibia Nepal Netherlands Nicaragua Niger Nigeria
Norway Oman Pakistan Panama Paraguay Peru Philippines Poland Portugal Qatar Romania Russia Rwanda Senegal Serbia
Singapore Slovakia Slovenia Somalia Spain Sudan Sweden Switzerland Syria Taiwan Tajikistan Tanzania Thailand
Togo Tunisia Turkey Uganda Ukraine Uruguay Uzbekistan Venezuela Vietnam Yemen Zambia Zimbabwe
"""

_COUNTRIES = {
    "Bosnia and Herzegovina": "Bosnia and Herzegovina",
    "Burkina Faso": "Burkina Faso",
    "Costa Rica": "Costa Rica",
    "Czech Republic": "Czechia",
    "Czechia": "Czechia",
    "Côte d'Ivoire": "Côte d'Ivoire",
    "Dominican Republic": "Dominican Republic",
    "El Salvador": "El Salvador",
    "England": "United Kingdom",
    "Great Britain": "United Kingdom",
    "Guinea-Bissau": "Guinea-Bissau",
    "Hong Kong": "Hong Kong",
    "Iran": "Iran",
    "New Zealand": "New Zealand",
    "North Macedonia": "North Macedonia",
    "Northern Ireland": "United Kingdom",
    "Papua New Guinea": "Papua New Guinea",
    "Puerto Rico": "Puerto Rico",
    "Saudi Arabia": "Saudi Arabia",
    "Scotland": "United Kingdom",
    "Sierra Leone": "Sierra Leone",
    "South Africa": "South Africa",
    "South Korea": "South Korea",
    "Sri Lanka": "Sri Lanka",
    "The Gambia": "Gambia",
    "Türkiye": "Turkey",
    "UK": "United Kingdom",
    "USA": "United States",
    "United Arab Emirates": "United Arab Emirates",
    "United Kingdom": "United Kingdom",
    "United States": "United States",
    "Viet Nam": "Vietnam",
    "Wales": "United Kingdom",
} | {name: name for name in _LIST.split()}

COUNTRIES = dict(sorted(_COUNTRIES.items(), key=lambda pair: -len(pair[0])))
"""Name in a paper to name in the table. Longer names stand first, so that Papua New Guinea is not Guinea.
Left out are Georgia and Jordan: a state of another country, and a name of persons, more often."""
