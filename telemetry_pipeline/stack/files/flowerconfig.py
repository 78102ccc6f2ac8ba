"""Settings of Flower, the workers' own web UI. Its broker and its password are in the environment: FLOWER_REDIS_URL,
FLOWER_PASSWORD.

Flower shows and changes nothing: what stops a worker or a task has its place elsewhere. The broker's user ``flower`` cannot.
"""

import os

from celery import current_app
from flower.views.monitor import Metrics
from tornado.web import authenticated

if not os.environ.get("FLOWER_PASSWORD"):
    raise SystemExit("FLOWER_PASSWORD is not set, and Flower shows nothing to anybody without a password")

# Celery looks for it when it connects. (An option of the command would show it to every user of the machine.)
os.environ.setdefault("CELERY_BROKER_URL", os.environ["FLOWER_REDIS_URL"])
# It takes no messages that would have to be given back to a queue, where it may put nothing.
current_app.conf.broker_transport_options = {"ack_emulation": False}

basic_auth = ["operator:" + os.environ["FLOWER_PASSWORD"]]
read_only = True
# Those of the last hours; all of a day would take hundreds of megabytes.
max_tasks = 2_000

# Flower would tell everybody the names of workers and tasks here.
Metrics.get = authenticated(Metrics.get)
