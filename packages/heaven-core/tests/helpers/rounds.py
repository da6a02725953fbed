"""How many times as many random cases as usual: the scheduled run has more, with seeds that no usual run reaches."""

import os

ROUNDS = int(os.environ.get('HEAVEN_ROUNDS', '1'))
