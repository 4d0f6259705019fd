"""`funnel-etl replay` and `config preview`: nights made again, apart from the ones that count."""
