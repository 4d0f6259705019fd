"""The tables of score and calibration. Declarations only."""

from funnel_etl.core.config_engagement import NO_SHOW, TIERS, UNKNOWN, UNSCORED
from funnel_etl.core.tables.contracts import Column, Kind, Table
from funnel_etl.marts.engagement.contracts import OWNER, PERSON_KEY
from funnel_etl.parts.marketing.zoom.clean.contracts import OCCURRENCE_ID

ALL_TIERS = (*TIERS, UNSCORED, NO_SHOW, UNKNOWN)
TOO_FEW, INVERTED, NOT_SHOWN, ORDERED = "too_few", "inverted", "not_shown", "ordered"
VERDICTS = (TOO_FEW, INVERTED, NOT_SHOWN, ORDERED)
CUSTOMER_ID = Column("customer_id", Kind.TEXT, "Person over all webinars; NULL until customers have ids.")

ENGAGEMENT_SCORES = Table(
    "mart",
    "engagement_scores",
    "One row per occurrence and person who registered or was there",
    ("occurrence_id", "person_key"),
    (
        OCCURRENCE_ID,
        Column("person_key", Kind.TEXT, PERSON_KEY.description, required=True, personal=True),
        Column("score", Kind.INTEGER, "0 to 100; NULL where too little is known."),
        Column("tier", Kind.TEXT, "Tier by the score, or why there is none.", required=True, values=ALL_TIERS),
        Column("score_basis", Kind.TEXT, "Components that are known, joined by +."),
        Column("weight_available", Kind.NUMBER, "Sum of their weights.", required=True),
        Column("is_capped", Kind.BOOLEAN, "Whether it would be Hot, were more known: shown as Warm.", required=True),
        Column("attendance_pct", Kind.NUMBER, "Share of the webinar that the person was in, in percent."),
        Column("minutes_union", Kind.INTEGER, "Minutes present; NULL: times unknown."),
        Column("focus_pct", Kind.NUMBER, "Share in focus, where a source says so: Zoom does not."),
        Column("messages", Kind.INTEGER, "Messages and replies that count.", required=True),
        Column("questions", Kind.INTEGER, "Different questions, in chat and question report.", required=True),
        Column("polls_answered", Kind.INTEGER, "Different questions of polls answered.", required=True),
        Column("points", Kind.JSON, "Points by component; one that is not known is not there.", required=True),
        CUSTOMER_ID,
        Column("phone", Kind.TEXT, "Phone of the person.", personal=True),
        Column("evidence", Kind.JSON, "Rows of messages and questions: [file_id, source_row].", required=True),
        Column("rules_version", Kind.TEXT, "Hash of weights, bands and tiers.", required=True),
        OWNER,
    ),
    note="score = floor(sum of weight times points, by the sum of weights, plus a half), over the components that are "
    "known; engagement_weights.csv, engagement_bands.csv, engagement_tiers.csv.",
    restricted=True,
)

SCORE_CALIBRATION = Table(
    "mart",
    "score_calibration",
    "One row per product, split and value of it (a tier, or ten points) that mature people have",
    ("product", "split", "value"),
    (
        Column("product", Kind.TEXT, "Product of the webinar; (all), or (none) where it has none.", required=True),
        Column("split", Kind.TEXT, "What people are divided by.", required=True, values=("tier", "bin")),
        Column("value", Kind.TEXT, "Tier, or scores from-to.", required=True),
        Column("window_start", Kind.DATE, "First day of a webinar among them.", required=True),
        Column("window_end", Kind.DATE, "Last day of a webinar among them.", required=True),
        Column("n", Kind.INTEGER, "People who count.", required=True),
        Column("buyers", Kind.INTEGER, "Those with a counted sale up to 30 days after its end.", required=True),
        Column("rate", Kind.NUMBER, "Their share.", required=True),
        Column("wilson_low", Kind.NUMBER, "Lower end of its 95 % interval (Wilson).", required=True),
        Column("wilson_high", Kind.NUMBER, "Upper end of it.", required=True),
        Column("lift", Kind.NUMBER, "Rate by the rate of all of the product; NULL: nobody bought."),
        Column("revenue_inr", Kind.MONEY, "Revenue of these sales.", required=True),
        Column("auc", Kind.NUMBER, "Of the product: share of pairs in which the buyer has the higher score."),
        Column("auc_low", Kind.NUMBER, "Lower end of its 95 % interval (500 bootstrap samples)."),
        Column("auc_high", Kind.NUMBER, "Upper end of it."),
        Column("brier_tier", Kind.NUMBER, "Mean squared error of predicting by the tier's rate elsewhere."),
        Column("brier_base", Kind.NUMBER, "The same by the rate of all elsewhere: the score should be better."),
        Column("verdict", Kind.TEXT, "Of the product: what its tiers show.", required=True, values=VERDICTS),
        Column("data_weights", Kind.JSON, "Weights the data would choose, from 100 buyers on; never applied."),
    ),
    note="People by phone, at the first webinar they came to, 30 to 180 days ago, who had not bought before it. "
    "too_few: under 20 buyers or 200 people; not_shown: all intervals overlap; inverted: a higher tier bought less.",
)

TABLES: tuple[Table, ...] = (ENGAGEMENT_SCORES, SCORE_CALIBRATION)
