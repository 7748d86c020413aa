"""Waveforms of one channel group -> picks, the same whatever the files, shards and batches.

`picker.load_picker` is the way in and `config.PickConfig` what it takes; the other modules are one step each:
`segments` and `stretches` (traces -> aligned components without gaps), `window_grid` (where windows lie), `weights` and
`network`, `inference` (stretches -> probability traces), `peaks`, `quality`, and `stalta`, which needs no network.
"""
