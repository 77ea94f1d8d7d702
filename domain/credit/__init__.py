"""Credit events of a merchant on a day, in a stream of their own: a large merchant has many."""
