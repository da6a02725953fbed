"""What lives from startup to shutdown."""
