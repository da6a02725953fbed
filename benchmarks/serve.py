"""`serve:app` is what a server loads: the app of the framework that BENCH_APP names, with orjson where it can."""

import importlib
import os

name, _, row = os.environ['BENCH_APP'].partition(':')
module = importlib.import_module(f'apps.{name}')
app = module.rows('orjson')[row] if row else module.small('orjson')
