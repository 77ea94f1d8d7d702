"""The outside: PostgreSQL, Kafka, files, and the services that the program starts by itself."""
