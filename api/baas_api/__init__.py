"""The online endpoint: a picture in, a safe picture out."""
