"""Ends the interpreter before anything else can be said."""

import os

os._exit(0)
