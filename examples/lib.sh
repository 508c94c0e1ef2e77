# Shared by the examples' tests: a scratch copy to work in, and three checks.
ASLC=${ASLC:-$(dirname "$(readlink -f "$0")")/../../build/compiler/aslc}

begin() { # FOLDER: work in a copy of it
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  cp -r "$1" "$scratch/example"
  cd "$scratch/example"
}

expect() { # WHAT STATUS OUTPUT COMMAND…
  what=$1 want=$2 output=$3
  shift 3
  set +e
  got=$("$@" 2>"$scratch/stderr" </dev/null)
  status=$?
  set -e
  if [ "$status" != "$want" ] || [ "$got" != "$output" ]; then
    printf 'FAILED %s: %s\n  want exit %s: %s\n  got  exit %s: %s\n' "$what" "$*" "$want" "$output" "$status" "$got"
    cat "$scratch/stderr"
    exit 1
  fi
  printf 'ok %s\n' "$what"
}

complains() { # LINE: the last command wrote exactly this on standard error
  if [ "$(cat "$scratch/stderr")" != "$1" ]; then
    printf 'FAILED standard error\n  want %s\n  got  ' "$1"
    cat "$scratch/stderr"
    exit 1
  fi
}
