"""Run a test suite with its own client and with ours, and compare: `python tests/suites/run.py FOLDER`, as nox does.

The folder is an unpacked source distribution, named after the project and its version. Only tests that use a client
count. A difference that `differences.toml` does not name is an error, and so is one that it names and that is gone.
"""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).parent


def outcomes(folder: Path, client: str) -> dict[str, str]:
    """Run the suite, and return the outcome of each test that uses a client."""
    report = folder.parent / f'{folder.name}-{client}.json'
    report.unlink(missing_ok=True)
    env = {**os.environ, 'PYTHONPATH': str(HERE), 'OUTCOMES': str(report), 'CLIENT': client}
    # Our client runs on asyncio, so the half of Starlette's tests that asks for trio is left out of both runs.
    command = [sys.executable, '-m', 'pytest', '-p', 'adapter', '-k', 'not trio', '-n', 'auto', '--tb', 'short']
    subprocess.run([*command, '--quiet', '-p', 'no:cacheprovider', 'tests'], cwd=folder, env=env, check=False)
    return {test: seen['outcome'] for test, seen in json.loads(report.read_text()).items() if seen['uses_client']}


def main(folder: Path) -> int:
    """Compare the two runs, and return how many differences nobody has explained."""
    theirs = outcomes(folder, 'theirs')
    ours = outcomes(folder, 'ours')
    groups = tomllib.loads((HERE / 'differences.toml').read_text('utf-8'))[folder.name.partition('-')[0]]
    known = {test: each['reason'] for each in groups for test in each['tests']}
    found = {test for test in theirs.keys() | ours.keys() if theirs.get(test) != ours.get(test)}

    print(f'\n{folder.name}: {len(theirs)} tests use a client')
    for client, seen in {'theirs': theirs, 'ours': ours}.items():
        print(f'  {list(seen.values()).count("passed")} pass with {client}')
    for each in groups:
        print(f'  {len(each["tests"])} differ: {each["reason"]}')
    for test in sorted(found - known.keys()):
        print(f'  NEW {test}: {theirs.get(test)} with theirs, {ours.get(test)} with ours')
    for test in sorted(known.keys() - found):
        print(f'  GONE {test}: {theirs.get(test)} with both')
    return len(found ^ known.keys())


if __name__ == '__main__':
    sys.exit(1 if main(Path(sys.argv[1]).resolve()) else 0)
