"""`python -m airflow_mlcraft.serving`."""

import sys

from airflow_mlcraft.serving.process.command import main

if __name__ == "__main__":
    sys.exit(main())
