"""catalogdb: a database-centric earthquake-catalog system on MongoDB and MsPASS."""

__version__ = "0.1.0"
