"""How many finished pictures people must look at, and what their findings prove."""
