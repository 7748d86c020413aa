"""When jobs are due: cron expressions, what to do with firings that were missed, and the same as timers of others.

`cron`, `clock`, `due` and `export` open no database; `schedule` keeps schedules and firings in one, `scheduler` runs
them, `ingest` brings in what comes before.
"""
