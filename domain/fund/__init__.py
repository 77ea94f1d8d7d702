"""A protection fund: it advances to consumers what merchants owe, and recovers it from them."""
