"""Figures of what is stored, drawn from plain data; nothing here opens a database."""
