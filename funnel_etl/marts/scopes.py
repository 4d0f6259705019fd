"""What each table of the parts and of mart must see at once to be made: the seam for an engine with several workers.

Here: the declaration, and the one place where a transform that is local to a person is called. No engine is here.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

import pandas as pd

from funnel_etl.catalog import SOURCES
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.core.tables.contracts import Table
from funnel_etl.delivery.webengage.contracts import CONSENT_STATE, CONSENTS, RAW_CONSENTS
from funnel_etl.marts.engagement import contracts as engagement
from funnel_etl.marts.engagement import draft_contracts as draft
from funnel_etl.marts.engagement import score_contracts as score
from funnel_etl.marts.funnel import contracts as mart
from funnel_etl.marts.funnel.attribution import contracts as attribution
from funnel_etl.marts.funnel.journeys import contracts as journeys
from funnel_etl.marts.funnel.revenue.contracts import REVENUE_CHANGES
from funnel_etl.marts.funnel.worklist.contracts import WORKLIST_MAPPING
from funnel_etl.marts.parity import contracts as parity
from funnel_etl.parts.marketing.zoom.clean import contracts as zoom
from funnel_etl.parts.marketing.zoom.reader import contracts as raw_zoom
from funnel_etl.parts.marketing.zoom.reader.engagement_contracts import ENGAGEMENT_TABLES
from funnel_etl.parts.sales.contracts import CRM_HISTORY


class Scope(StrEnum):
    """The rows that one row may follow from."""

    FILE = "all rows of its file: the order of dates in a column is proved by all of them"
    OCCURRENCE = "those of one webinar_id: all reports of one meeting, and the leads who lend a phone there"
    PERSON = "those of one phone; a row without one stands alone. Webinars and config go to everybody"
    SUMS = "any, but only as sums, counts and people told apart, which add up over parts"
    WHOLE = "any"


SCOPES: dict[Table, Scope] = {
    **dict.fromkeys([table for source in SOURCES.values() for table in (source.raw, source.clean)], Scope.FILE),
    **dict.fromkeys((*raw_zoom.RAW_TABLES, *ENGAGEMENT_TABLES), Scope.FILE),
    **dict.fromkeys(zoom.CLEAN_TABLES, Scope.OCCURRENCE),
    RAW_CONSENTS: Scope.FILE,
    **dict.fromkeys((CONSENTS, CONSENT_STATE), Scope.WHOLE),  # by phone and by e-mail, over all files and forms
    zoom.LENT_PHONES: Scope.WHOLE,  # by e-mail, of all leads and all reports
    zoom.BOOTCAMP_PARTICIPATION: Scope.WHOLE,  # a bootcamp is several occurrences
    CRM_HISTORY: Scope.WHOLE,  # by key of the CRM, but for where the dump's window begins
    **dict.fromkeys((mart.ATTRIBUTED_M0, mart.RESTATEMENTS, mart.TOUCHES, mart.ATTRIBUTED_SALES), Scope.PERSON),
    attribution.ATTRIBUTION: Scope.PERSON,
    **dict.fromkeys((journeys.LEAD_JOURNEY, journeys.QUALIFIED_LEADS, journeys.HANDOVER_GAPS), Scope.PERSON),
    **dict.fromkeys((mart.SPEND_BY_FUNNEL, mart.FUNNEL_FACTS, mart.FUNNEL_MONTHLY, mart.DATA_VERSION), Scope.SUMS),
    **dict.fromkeys((attribution.COHORTS, attribution.ATTRIBUTION_BY_FUNNEL), Scope.SUMS),
    **dict.fromkeys((journeys.EMPLOYEE_SCORECARD, journeys.WEBINAR_SCORECARD), Scope.SUMS),
    WORKLIST_MAPPING: Scope.SUMS,
    REVENUE_CHANGES: Scope.WHOLE,  # by sale, whose phone may change from night to night
    **dict.fromkeys((*engagement.OF_OCCURRENCES, score.ENGAGEMENT_SCORES), Scope.OCCURRENCE),
    score.SCORE_CALIBRATION: Scope.SUMS,
    **dict.fromkeys((draft.RAW_FOLLOWUP_EDITS, draft.RAW_LLM_ANSWERS), Scope.FILE),
    **dict.fromkeys((draft.FOLLOWUP_TEXTS, draft.FOLLOWUP_DRAFTS, draft.FOLLOWUP_PRIORITY), Scope.WHOLE),
    **dict.fromkeys(parity.TABLES, Scope.WHOLE),  # the sheet's phone and ours are two keys
}


def map_parts(transform: Callable[..., Outcome], frames: Mapping[str, pd.DataFrame], **given: Any) -> Outcome:
    """Return what a transform that is local to a person makes of all rows, in one part.

    An engine would split here the frames that have a phone, hand on the others and `given` whole, and join what it
    made of each part; a test holds that this gives the same rows.
    """
    return transform(**frames, **given)
