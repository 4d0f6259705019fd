"""The tables of drafts and of whom to call first. Declarations only."""

from funnel_etl.core.reading.common_columns import TRACE_COLUMNS
from funnel_etl.core.tables.contracts import Column, Kind, Table
from funnel_etl.marts.engagement.contracts import OWNER, PERSON_KEY
from funnel_etl.marts.engagement.score_contracts import ALL_TIERS, CUSTOMER_ID
from funnel_etl.parts.marketing.zoom.clean.contracts import OCCURRENCE_ID

DRAFT, EDITED, STALE, APPROVED, WITHHELD = "draft", "edited", "edited_stale", "approved", "withheld"
REASONS_WITHHELD = (
    "no_email", "unsubscribed", "bounced", "no_consent", "already_bought", "contacted_recently", "shared_email",
    "ambiguous_person", "suppressed", "no_template",
)  # fmt: skip
"""Why a draft is withheld: the first that holds."""
_PERSON = Column("person_key", Kind.TEXT, PERSON_KEY.description, required=True, personal=True)

RAW_FOLLOWUP_EDITS = Table(
    "raw",
    "followup_edits",
    "One row per edit of a draft that was landed",
    ("file_id", "source_row"),
    (
        *TRACE_COLUMNS,
        Column("draft_id", Kind.TEXT, "Draft it is of.", required=True),
        Column("base_hash", Kind.TEXT, "Hash of the text that was edited.", required=True),
        Column("subject", Kind.TEXT, "Subject as the person left it.", personal=True),
        Column("body", Kind.TEXT, "Text as the person left it.", personal=True),
        Column("notes", Kind.TEXT, "Notes of the person.", personal=True),
        Column("is_approved", Kind.BOOLEAN, "Whether it may be sent.", required=True),
        Column("editor", Kind.TEXT, "Who edited it."),
        Column("edited_at", Kind.TIMESTAMP, "When it was landed.", required=True),
    ),
    lake_only=True,
)

_CALL = (
    Column("night", Kind.DATE, "Night that asked.", required=True),
    Column("purpose", Kind.TEXT, "What it was asked for.", required=True, values=("followup",)),
    Column("template_hash", Kind.TEXT, "Hash of the template it rests on.", required=True),
    Column(
        "request_hash", Kind.TEXT, "Hash of model, prompt and what was sent: the same is asked once.", required=True
    ),
    Column("prompt_version", Kind.TEXT, "Version of the prompt.", required=True),
    Column("model", Kind.TEXT, "Model, as FUNNEL_LLM_MODEL names it.", required=True),
    Column("attempt", Kind.INTEGER, "1; 2 when the first answer could not stand.", required=True),
    Column(
        "outcome",
        Kind.TEXT,
        "ok; refused by a check; junk, empty, too_long, declined; timeout, cut, not_connected, http_<status>.",
        required=True,
    ),
    Column("tries", Kind.INTEGER, "Requests it took.", required=True),
    Column("tokens_in", Kind.INTEGER, "Tokens sent, as the answer says, else estimated.", required=True),
    Column("tokens_out", Kind.INTEGER, "Tokens that came, likewise.", required=True),
    Column(
        "cost_usd", Kind.NUMBER, "What it cost by llm_prices.csv; a request without an answer at most.", required=True
    ),
    Column("seconds", Kind.NUMBER, "How long it took.", required=True),
    Column("asked_at", Kind.TIMESTAMP, "When it was landed.", required=True),
)

RAW_LLM_ANSWERS = Table(
    "raw",
    "llm_answers",
    "One row per answer of a model that was landed, and draft it serves",
    ("file_id", "source_row"),
    (
        *TRACE_COLUMNS,
        Column("draft_id", Kind.TEXT, "Draft it is of.", required=True),
        Column("inputs_hash", Kind.TEXT, "Hash of the facts of the draft.", required=True),
        *_CALL,
        Column("is_shared", Kind.BOOLEAN, "Whether it was asked for another draft that reads the same.", required=True),
        Column("is_in_use", Kind.BOOLEAN, "Whether the night uses it: it is of the model that is set.", required=True),
        Column(
            "answer",
            Kind.TEXT,
            "The bytes that came, as text; NULL when not in use or older than is kept.",
            personal=True,
        ),
    ),
    lake_only=True,
)

LLM_CALLS = Table(
    "ops",
    "llm_calls",
    "One row per call of a model",
    ("call_id",),
    (Column("call_id", Kind.TEXT, "Hash of request, attempt and time.", required=True), *_CALL),
    note="What was asked and answered is in the landing archive; no text is here.",
)

FOLLOWUP_DRAFTS = Table(
    "mart",
    "followup_drafts",
    "One row per person and occurrence of the last days with a draft, or the reason why there is none",
    ("draft_id",),
    (
        Column("draft_id", Kind.TEXT, "Names the draft for ever: a hash of occurrence and person.", required=True),
        OCCURRENCE_ID,
        CUSTOMER_ID,
        _PERSON,
        Column("name", Kind.TEXT, "Name as registered, else as shown.", personal=True),
        Column("email", Kind.TEXT, "E-mail it is for.", personal=True),
        Column("tier", Kind.TEXT, "Tier in this webinar.", required=True, values=ALL_TIERS),
        Column("score", Kind.INTEGER, "Score in this webinar."),
        Column("template", Kind.TEXT, "Template it is made by."),
        Column("template_hash", Kind.TEXT, "Hash of the template."),
        Column("inputs_hash", Kind.TEXT, "Hash of the facts it is made of."),
        Column("base_hash", Kind.TEXT, "Hash of the text as it is made: an edit names it."),
        Column("subject", Kind.TEXT, "Subject; NULL when withheld, or older than is kept.", personal=True),
        Column("body_text", Kind.TEXT, "Text; NULL likewise.", personal=True),
        Column("generated_text", Kind.TEXT, "What it would be now, where an edit is stale.", personal=True),
        Column("worded_by", Kind.TEXT, "template, or the model whose wording of it stands here."),
        Column("wording_problem", Kind.TEXT, "Why the wording of the model does not stand, where it was asked."),
        Column("evidence", Kind.JSON, "Fact in the text → value and the row it comes from.", True, personal=True),
        Column(
            "status",
            Kind.TEXT,
            "edited_stale: template or facts changed under an edit, which stays.",
            required=True,
            values=(DRAFT, EDITED, STALE, APPROVED, WITHHELD),
        ),
        Column("withheld_reason", Kind.TEXT, "Why it is withheld: the first that holds.", values=REASONS_WITHHELD),
        Column("notes", Kind.TEXT, "Notes of who edited it.", personal=True),
        Column("generated_night", Kind.DATE, "Day of the webinar's night from which on it is made.", required=True),
        Column("edited_at", Kind.TIMESTAMP, "When it was edited last."),
        Column("editor", Kind.TEXT, "Who did."),
        OWNER,
    ),
    note="Nothing is sent from here. Consent comes from data; without it a draft is withheld.",
    restricted=True,
)

_LAID_OVER = ("generated_text", "worded_by", "wording_problem", "status", "notes", "edited_at", "editor")
FOLLOWUP_TEXTS = Table(
    "mart",
    "followup_texts",
    "One row per person and occurrence of the last days, as its template has it",
    ("draft_id",),
    tuple(column for column in FOLLOWUP_DRAFTS.columns if column.name not in _LAID_OVER),
    note="A step of mart.followup_drafts, which lays over it what a model and a person made of it.",
    lake_only=True,
)

FOLLOWUP_PRIORITY = Table(
    "mart",
    "followup_priority",
    "One row per representative and place on the list of whom to call first",
    ("employee", "place"),
    (
        Column("employee", Kind.TEXT, "Representative the phone is assigned to last; (nobody).", required=True),
        Column("place", Kind.INTEGER, "Place, from 1.", required=True),
        OCCURRENCE_ID,
        _PERSON,
        Column("name", Kind.TEXT, "Name as registered, else as shown.", personal=True),
        Column("phone", Kind.TEXT, "Phone.", required=True, personal=True),
        Column("tier", Kind.TEXT, "Tier.", required=True, values=ALL_TIERS),
        Column("score", Kind.INTEGER, "Score."),
        Column("questions", Kind.INTEGER, "Questions asked.", required=True),
        Column("reason", Kind.TEXT, "Why this person, in one line.", required=True),
        Column("draft_id", Kind.TEXT, "Draft of the person."),
        OWNER,
    ),
    note="By tier, questions, score, and the later webinar; who bought or has an approved draft is not on it.",
    restricted=True,
)

TABLES = (RAW_FOLLOWUP_EDITS, RAW_LLM_ANSWERS, FOLLOWUP_TEXTS, FOLLOWUP_DRAFTS, FOLLOWUP_PRIORITY, LLM_CALLS)
