"""An office of the authority, or a body that mediates: its mediators, what it warns of and evaluates."""
