"""Settings of Flower, the workers' own web UI. Its broker is in the environment: FLOWER_REDIS_URL.

It asks nobody who they are: it listens on a socket in FLOWER_SOCKETS alone, behind the front door, which lets operators in.
It shows and changes nothing: what stops a worker or a task has its place elsewhere. The broker's user ``flower`` cannot.
"""

import os

from celery import current_app

if not os.environ.get("FLOWER_SOCKETS"):
    raise SystemExit("FLOWER_SOCKETS is not set, and Flower listens nowhere else")

# Celery looks for it when it connects. (An option of the command would show it to every user of the machine.)
os.environ.setdefault("CELERY_BROKER_URL", os.environ["FLOWER_REDIS_URL"])
# It takes no messages that would have to be given back to a queue, where it may put nothing.
current_app.conf.broker_transport_options = {"ack_emulation": False}

unix_socket = os.path.join(os.environ["FLOWER_SOCKETS"], "flower.sock")
url_prefix = "flower"
# Whoever gets here was asked at the door.
os.environ["FLOWER_UNAUTHENTICATED_API"] = "true"
read_only = True
# Those of the last hours; all of a day would take hundreds of megabytes.
max_tasks = 2_000
