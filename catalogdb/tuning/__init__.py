"""Associators judged by a reference catalog: side by side (`compare`), and searched for the best settings (`search`).

It stands above association and evaluation, which know nothing of one another.
"""
