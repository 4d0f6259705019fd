"""The people who use funnel_etl, as texts name them: who is told to do what."""

MARKETING_OPERATIONS, SALES_LEAD = "marketing operations", "the sales lead"
ANALYST, ENGINEER = "the analyst", "the engineer"
WHO = (MARKETING_OPERATIONS, SALES_LEAD, ANALYST, ENGINEER)
