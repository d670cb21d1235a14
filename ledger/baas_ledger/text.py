"""Text that any database can hold."""


def printable(text: str) -> str:
    """Return text with what is not UTF-8 (such as an undecodable byte of a file name) and NUL written out."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
