"""Spectral features of events: spectrograms -> patterns -> states -> fingerprints -> clusters.

The idea is SpecUFEx's (Holtzman et al., 2018, doi:10.1126/sciadv.aao2929). Nothing here opens a database.
"""
