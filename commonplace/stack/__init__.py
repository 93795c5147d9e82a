"""The local stack: a Prefect server, a worker, and what else `commonplace up` keeps running."""
