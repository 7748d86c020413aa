"""Waveforms of one channel group -> picks, the same whatever the files, shards and batches.

`picker.load_picker` is the way in and `config.PickConfig` what it takes; the other modules are one step each:
`records` (traces -> runs without gaps), `windows` (where windows lie), `weights` and `model` (the network), `inference`
(runs -> probability traces), `peaks`, `quality`, and `stalta`, which needs no network.
"""
