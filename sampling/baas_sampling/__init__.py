"""Which pictures people look at or label next. Pure: what is drawn, and the worklist as text."""
