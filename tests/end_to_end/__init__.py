"""Commands and the API as people use them, on a real MLflow server and real git."""
