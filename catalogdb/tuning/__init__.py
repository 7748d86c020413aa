"""Associators judged by a reference catalog, with nothing written: side by side (`compare`), and in search of the best
settings (`search`), whose trials are such comparisons.

It stands above association and evaluation, which know nothing of one another.
"""
