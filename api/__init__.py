"""How the ledger is used: composition root, command line, settings."""
