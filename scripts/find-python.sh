#!/bin/sh
# Prints the command of a Python 3.11+ that can make virtual environments.
# Otherwise says in one line what is missing, and fails. $1: the only one to consider (optional).
set -u

wanted=${1:-}
too_old=
no_venv=
for candidate in ${wanted:-python3 python3.14 python3.13 python3.12 python3.11}; do
    version=$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    if ! "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        too_old=${too_old:-"$candidate is $version"}
    elif ! "$candidate" -c 'import venv, ensurepip' 2>/dev/null; then
        no_venv=${no_venv:-$version}
    else
        echo "$candidate"
        exit 0
    fi
done

if [ -n "$no_venv" ]; then
    reason="Python $no_venv lacks the modules venv and ensurepip (on Debian and Ubuntu: apt install python$no_venv-venv)"
elif [ -n "$too_old" ]; then
    reason="Python 3.11 or newer is needed, but $too_old (another one: make PYTHON=/path/to/python3.11)"
elif [ -n "$wanted" ]; then
    reason="$wanted is no Python that runs"
else
    reason="Python 3.11 or newer is needed, and no python3 was found (another one: make PYTHON=/path/to/python3.11)"
fi
echo "make: $reason" >&2
exit 1
