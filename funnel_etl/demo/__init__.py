"""A demo company: made-up sources with a known truth, a CRM on loopback, and the comparison of tables with truth.

Nothing here is used by a night; the night reads the demo's files as it would read anybody's.
"""

from funnel_etl.demo.crm_server import LoopbackCrm
from funnel_etl.demo.generate import generate
from funnel_etl.demo.recovered import recovery
from funnel_etl.demo.truth import Truth

__all__ = ["LoopbackCrm", "Truth", "generate", "recovery"]
