# MLflow's own image has neither a driver for PostgreSQL nor a client for S3.
FROM ghcr.io/mlflow/mlflow:v3.17.2
RUN pip install --no-cache-dir "psycopg[binary]==3.3.9" "boto3==1.44.8"
COPY bucket.py /opt/stack/
ENV HOME=/tmp
WORKDIR /tmp
USER 10001:10001
