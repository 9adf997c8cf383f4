#!/bin/sh
# Makes .venv hold what a lock file says; what an older lock named and this one does not stays until `make clean`. Usage: [INTO=folder] setup.sh LOCK [LOCK ...]
# INTO puts it in a folder of .venv instead, away from what the environment itself imports.
# A stamp beside each lock's install is a copy of it: set-up is redone only when the lock has changed.
# While something is being installed a mark stands in .venv: a set-up that was killed starts afresh.
# One set-up works at a time, so that no other takes its mark for that of one that was killed.
set -u
cd "$(dirname "$0")/../.."
venv=.venv mark=.venv/unfinished held=_build/set-up
say() { printf '%s\n' "$*" >&2; }

python_ok() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
stamp_of() { printf %s "$venv/$(printf %s "$1" | tr / -)"; }
ready() {
    [ ! -e $mark ] && python_ok $venv/bin/python || return 1
    for lock; do cmp -s "$lock" "$(stamp_of "$lock")" || return 1; done
}

ready "$@" && exit
mkdir -p _build || exit 1
waits='' failed=0
until told=$(mkdir $held 2>&1); do
    holder=$(cat $held/pid 2>/dev/null)
    # Where its process is gone, the one that makes this folder takes over, if meanwhile nobody else holds the lock.
    [ -n "$holder" ] && ! kill -0 "$holder" 2>/dev/null && mkdir "$held/after-$holder" 2>/dev/null && [ "$(cat $held/pid)" = "$holder" ] && break
    if [ -d $held ]; then
        [ -n "$waits" ] || say "Another set-up (process ${holder:-unknown}) is at work in $venv: waiting for it; if there is none, remove $held ..."
        waits=yes
    elif [ $((failed += 1)) -gt 3 ]; then
        say "The folder $held, which keeps two set-ups apart, could not be made: $told"
        exit 1
    fi
    sleep 1
done
trap 'rm -rf $held' EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM
echo $$ >$held/pid || exit 1

if [ -e $mark ] || ! python_ok $venv/bin/python; then
    for name in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python; do
        if python_ok "$name"; then found=$name; break; fi
    done
    if [ -z "${found:-}" ]; then
        say "This book needs Python 3.11 or newer: install it with your package manager or from python.org, or name one with 'make PYTHON=/path/to/python3'."
        exit 1
    fi
    say "Making a Python environment in $venv ..."
    rm -rf $venv
    if ! said=$({ mkdir $venv && : >$mark && "$found" -m venv $venv; } 2>&1); then
        rm -rf $venv
        case $said in
        *"No module named venv"*|*"No module named ensurepip"*|*"ensurepip is not available"*)
            say "This Python has no venv module: on Debian or Ubuntu 'apt-get install python3-venv' brings it; elsewhere use the Python from python.org." ;;
        *)  say "The environment in $venv could not be made: $said" ;;
        esac
        exit 1
    fi
    rm -f $mark
fi

for lock; do
    stamp=$(stamp_of "$lock")
    cmp -s "$lock" "$stamp" && continue
    rm -f "$stamp" && : >$mark || exit 1
    say "Installing what $lock lists (a minute or two, once) ..."
    log=$venv/install.log
    $venv/bin/python -m pip install --quiet --no-input --disable-pip-version-check --retries 1 --require-hashes ${INTO:+--upgrade --target "$venv/$INTO"} -r "$lock" >"$log" 2>&1
    status=$?
    rm -f $mark
    if [ $status != 0 ]; then
        if grep -qi -E 'hash(es)? .*(mismatch|not match)|DO NOT MATCH THE HASHES' "$log"; then
            say "A package does not match its hash in $lock: do not use it; see $log, and 'make lock' if the lock is out of date."
        elif grep -qi -E 'NewConnectionError|ConnectionError|Temporary failure|name resolution|timed out|Network is unreachable|Could not fetch|ProxyError' "$log"; then
            say "Set-up needs the network once, to install what $lock lists, and the package index could not be reached: go online and run the same command again ($log has the details)."
        elif grep -qi 'No space left' "$log"; then
            say "The disk is full: free some space and run the same command again."
        else
            tail -n 5 "$log" >&2
            say "What $lock lists could not be installed; $log has the details."
        fi
        exit 1
    fi
    cp "$lock" "$stamp"
done
