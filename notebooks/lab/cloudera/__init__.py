"""Labs in Cloudera sessions: their ports, their MLflow 2, and the script of a Job. Nobody else needs this."""
