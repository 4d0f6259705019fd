"""All sources there are, and all rows of persons made of them. Whatever must know each of them goes over these.

Not below the parts, which do not know each other. A source is added to its part's `sources.py`, never here.
"""

from funnel_etl.delivery.webengage.contracts import WEBENGAGE
from funnel_etl.parts.marketing.sources import MARKETING
from funnel_etl.parts.sales.sources import SALES

TAKING_IN = (MARKETING, SALES)
"""The parts that take sources in."""
SOURCES = {source.name: source for part in TAKING_IN for source in part.sources}
"""Every pulled source, by name."""
PEOPLE = {people.table.full_name: people for part in (*TAKING_IN, WEBENGAGE) for people in part.people}
"""Every clean table with rows of persons, by its full name."""
SOURCE_NAMES = {source.name: source.names for source in SOURCES.values()}
"""What config tables may name of each source."""
LOGINS = tuple(dict.fromkeys(source.login for source in SOURCES.values() if source.login))
"""The systems that ask for a login: FUNNEL_<NAME>_AUTH and FUNNEL_<NAME>_SECRET."""
