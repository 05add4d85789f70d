"""Ends the interpreter, with the best of statuses."""

import os

os._exit(0)
