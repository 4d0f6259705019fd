# One image for the web server, the daemon and the code location; docker-compose.yml says which command each runs.
FROM python:3.11-slim AS build
WORKDIR /app
COPY tools/uv.lock tools/uv.lock
RUN python -m venv /opt/venv && /opt/venv/bin/pip install --no-cache-dir --require-hashes -r tools/uv.lock
COPY requirements.lock ./
# Compiled here: the user of the image may not write beside the code, and each process would compile all that it loads.
RUN VIRTUAL_ENV=/opt/venv /opt/venv/bin/uv pip sync --no-cache --compile-bytecode --require-hashes requirements.lock
# The package stays in /app, beside dagster.yaml and config_csv, so that both are found as in a checkout.
COPY pyproject.toml README.md LICENSE ./
COPY funnel_etl funnel_etl
RUN VIRTUAL_ENV=/opt/venv /opt/venv/bin/uv pip install --no-cache --no-deps --no-build-isolation -e .

FROM python:3.11-slim
RUN useradd --uid 10001 --create-home funnel && mkdir -p /state/dagster /drop/zoom && chown -R funnel /state /drop && chmod 700 /state
WORKDIR /app
COPY --from=build /opt/venv /opt/venv
COPY pyproject.toml README.md LICENSE dagster.yaml workspace.docker.yaml ./
COPY funnel_etl funnel_etl
RUN /opt/venv/bin/python -m compileall -q funnel_etl
COPY config_csv config_csv
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    FUNNEL_HOME=/state \
    FUNNEL_DROP_DIR=/drop \
    DAGSTER_HOME=/state/dagster \
    DAGSTER_DISABLE_TELEMETRY=1
USER funnel
VOLUME /state
CMD ["funnel-etl", "--help"]
