"""The pages, in the order in which they are listed: each is a file with a `PAGE`, and calls one service."""

from funnel_etl.app.pages import deliveries, drafts, funnel, mappings, person, sales, today, upload, webinars

PAGES = (
    today.PAGE,
    upload.PAGE,
    mappings.PAGE,
    funnel.PAGE,
    sales.PAGE,
    webinars.PAGE,
    person.PAGE,
    deliveries.PAGE,
    drafts.PAGE,
)
