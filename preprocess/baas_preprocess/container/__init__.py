"""What picture files are made of: pure reading and writing of their parts, without decoding a pixel.

Every module here is given whole byte strings by strangers. Each promises bounded time and memory for any input, and
nothing but `NotPublishable` (the picture itself is broken) or `Malformed` (a block of metadata is broken) as failure.
"""
