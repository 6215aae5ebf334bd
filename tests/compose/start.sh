# Makes the database at the first start, as the image postgres does, and runs the server.
set -euo pipefail
data=/var/lib/postgresql/data
install -d -o postgres -m 0700 "$data"
as_postgres() { su postgres -s /bin/bash -c 'exec "$@"' -- -- "$@"; }
if [ ! -s "$data/PG_VERSION" ]; then
  install -o postgres -m 0600 <(printf '%s' "$POSTGRES_PASSWORD") /tmp/password
  as_postgres initdb --pgdata="$data" --username="$POSTGRES_USER" --pwfile=/tmp/password --auth=scram-sha-256 --encoding=UTF8
  rm /tmp/password
  echo "host all all all scram-sha-256" >>"$data/pg_hba.conf"
  as_postgres pg_ctl --pgdata="$data" --wait start
  PGPASSWORD=$POSTGRES_PASSWORD createdb --username="$POSTGRES_USER" --host=127.0.0.1 "$POSTGRES_DB" || true
  as_postgres pg_ctl --pgdata="$data" --wait stop
fi
as_postgres postgres -D "$data" -c listen_addresses='*' -c max_connections=200
