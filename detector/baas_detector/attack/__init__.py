"""Attack the redaction as somebody would who has the published pictures and this public program.

The redaction is a black box here: pictures go into the command `baas redact-more`, and come out of it. `suite.py` calls
the attacks in order; what they mean is told in docs/privacy.md.
"""
