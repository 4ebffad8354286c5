# shellcheck shell=bash
# What the scripts beside this file share. Sourced, not run. Nothing here needs more than bash 3.2.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
root=$(dirname "$here")
cache=${REALMWRIGHT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/realmwright}
state=${KEYCLOAK_STATE:-$root/.keycloak}

# Every spelling of the state directory must give the same text: processes are recognized by it.
use_state() {
  [[ $state == /* ]] || state=$PWD/$state
  if [[ -d $state ]]; then state=$(cd "$state" && pwd -P); fi
}
use_state

say() { printf '%s\n' "$*" >&2; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}
# PARENT: sets `scratch` to a new directory there, for work that is moved in place when it is complete.
scratch=
make_scratch() {
  mkdir -p "$1"
  scratch=$(mktemp -d "$1/.XXXXXX")
}
remove_scratch() {
  if [[ -n $scratch ]]; then rm -rf "$scratch"; fi
  scratch=
}
trap remove_scratch EXIT

has() { command -v "$1" >/dev/null 2>&1; }

# PID: the command line of a process; nothing for one that has ended, or that nobody has waited for yet.
command_of() {
  if [[ -d /proc/self ]]; then
    tr '\0' ' ' <"/proc/$1/cmdline"
  else
    ps -ww -o command= -p "$1"
  fi 2>/dev/null || true
}

# PID TEXT: whether it runs and has TEXT in its command line, since the pid in a file may be somebody else's by now.
alive() {
  local command
  if [[ -z $1 ]]; then return 1; fi
  command=$(command_of "$1")
  [[ -n $command && $command == *"$2"* ]]
}

# FILE: its first line, or nothing.
first_line() {
  local line=
  if [[ -f $1 ]]; then IFS= read -r line <"$1" || true; fi
  printf '%s' "$line"
}

# LOG COMMAND…: runs it in a process group of its own, out of reach of this terminal's signals; $! is its pid.
detach() {
  local log=$1
  shift
  set -m
  nohup "$@" </dev/null >>"$log" 2>&1 &
  set +m
}

# SECONDS COMMAND…: waits until the command fails.
wait_while() {
  local end=$((SECONDS + $1))
  shift
  while "$@"; do
    if ((SECONDS >= end)); then return 1; fi
    sleep 0.2
  done
}

port_busy() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Below the range from which systems take the ports of outgoing connections.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    if ! port_busy "$port"; then break; fi
  done
  printf '%s' "$port"
}

# FILE: makes a random password there, unless there is one.
make_secret() {
  if [[ -s $1 ]]; then return; fi
  (umask 077 && od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$1")
}

# COORDINATES FILE WHAT: has Maven put an artifact into the cache, unless it is there.
maven_fetch() {
  if [[ -f $cache/dl/$2 ]]; then return; fi
  has mvn || die "Maven is needed to download $3: install it (package \"maven\") and have \"mvn\" in the PATH."
  local beat= rc=0
  make_scratch "$cache/dl"
  say "Downloading $3 with Maven, once, into $cache"
  # On a terminal Maven shows its own progress. Elsewhere that would be thousands of lines: a sign of life instead.
  local flags=(-Dorg.slf4j.simpleLogger.defaultLogLevel=warn)
  if [[ ! -t 2 ]]; then
    flags=(-B -q)
    (while sleep 10 >/dev/null 2>&1; do say "  … still downloading, $SECONDS s"; done) &
    beat=$!
  fi
  # In the temporary directory, so that no pom.xml around has a say.
  (cd "$scratch" && mvn "${flags[@]}" dependency:copy -Dartifact="$1" -DoutputDirectory="$scratch" </dev/null >&2) || rc=$?
  if [[ -n $beat ]]; then kill "$beat" 2>/dev/null || true; fi
  if ((rc == 0)) && [[ -f $scratch/$2 ]]; then mv "$scratch/$2" "$cache/dl/$2"; fi
  remove_scratch
  [[ -f $cache/dl/$2 ]] || die "Maven could not download $1; its words are above."
}

# DIRECTORY PARENT: moves it in as a whole. When another process was first, its work is as good as ours.
publish() {
  mv "$1" "$2/" 2>/dev/null || [[ -d $2/$(basename "$1") ]] || die "cannot move $1 into $2"
}

# ZIP DIRECTORY: `jar` comes with every JDK, `unzip` not with every system.
unpack() {
  if has unzip; then
    unzip -q "$1" -d "$2"
  elif has jar; then
    (cd "$2" && jar xf "$1")
  else
    die "unzip is needed to unpack $1: install it (package \"unzip\")."
  fi || die "cannot unpack $1: remove it, so that it is downloaded again."
}
