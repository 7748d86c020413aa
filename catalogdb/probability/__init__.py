"""Probability traces as they are stored: what a network said at each sample, in hours, small enough to keep for good.

`traces` is the data type, `codec` turns its values into bytes and back, `documents` cuts traces into one document per
UTC hour and puts them together again, and `convert` makes ObsPy, MsPASS, NumPy and miniSEED of them.
"""
