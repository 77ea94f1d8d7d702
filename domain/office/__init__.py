"""An office of the authority, or a body that mediates: its place in the tree, and its mediators."""
