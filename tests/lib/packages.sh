# Installs Debian packages that are missing; sourced by examples/run and tests/run.
#
#   need_packages REASON PACKAGE…
#
# Looks first and goes to the network only when something is missing, so that a second run is quick and works offline.
# LLVM: any of 18 to 22 will do; when none is there, 19 is installed.

# apt's own tools live in sbin, which a user's PATH may lack.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH

say() { printf '\n== %s\n' "$*"; }

have_package() {
  case "$(dpkg-query -W -f='${Status}' "$1" 2>/dev/null)" in *' installed') return 0 ;; esac
  return 1
}

need_packages() {
  reason=$1; shift
  missing=
  for package; do
    case $package in
    llvm-19-dev)
      for version in 19 20 21 22 18; do
        have_package llvm-$version-dev && continue 2
      done ;;
    esac
    have_package "$package" || missing="$missing $package"
  done
  if [ -z "$missing" ]; then
    say "$reason: all packages are there"
    return 0
  fi
  say "$reason: installing$missing"
  if [ "$(id -u)" = 0 ]; then as_root=
  elif command -v sudo >/dev/null 2>&1; then as_root=sudo
  else
    echo "These packages are missing, and installing them needs root:$missing" >&2
    echo "    apt-get install --no-install-recommends$missing" >&2
    exit 1
  fi
  # shellcheck disable=SC2086
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y update >/dev/null &&
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends $missing >/tmp/aslc-apt.log 2>&1 || {
      tail -n 20 /tmp/aslc-apt.log >&2
      echo "apt-get could not install$missing" >&2
      exit 1
    }
}

# What it takes to build aslc and to compile a workflow with it.
BUILD_PACKAGES='gcc libc6-dev cmake ninja-build pkg-config llvm-19-dev libcjson-dev libuv1-dev libffi-dev nettle-dev libpcre2-dev libsqlite3-dev libpq-dev python3'
