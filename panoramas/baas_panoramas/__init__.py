"""Amsterdam's Panorama API, or another server that answers like it: which panoramas there are, and their pictures."""
