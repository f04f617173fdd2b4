"""Backends: a batch of requests in, one outcome per request out, a hypothesis or a failure with its reason.

- `base`: what a backend is given and what it answers.
- `registry`: which backends are installed, and making one from its options.
- `sphinx`, `replay`, `command`: the three that come with asrfair; others register in the entry-point group
  ``asrfair.backends``.
- `ngram`: small language models for the bundled recogniser.
"""
