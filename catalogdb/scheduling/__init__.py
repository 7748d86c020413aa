"""When jobs are due: cron expressions, what to do with firings that were missed, and the same as timers of others.

Nothing here opens a database; `stages/schedule.py` does.
"""
