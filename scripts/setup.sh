#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs missing dependencies and prints one line for each; prints nothing when none is missing: setup.sh run|test
set -eu
cd "$(dirname "$0")/.."

run_packages='clang libbpf1 libbpf-dev linux-libc-dev iproute2 ethtool nftables tcpdump curl'
test_packages="$run_packages bind9 bird2 bpftool chromium exim4-daemon-light iptables keepalived netbase nginx-light openssl socat tshark"
want=${1:-run}
is_new_enough='const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 18) ? 0 : 1)'

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

# Where the machine's Node is too old, installs the version pinned by hash in scripts/toolchain/package-lock.json.
install_node() {
  stamp=.toolchain/.culvert-installed
  [ -x .toolchain/node_modules/.bin/node ] && [ "$stamp" -nt scripts/toolchain/package-lock.json ] && return 0
  [ ! -e .toolchain ] && node -e "$is_new_enough" 2>/dev/null && return 0
  case $(uname -m) in
    x86_64 | aarch64) ;;
    *) say "Node $(node --version) is too old, and no newer one is packaged for $(uname -m). fix: install Node 22.18 or newer"; exit 1 ;;
  esac
  say "installing Node into .toolchain (this machine's $(node --version) is older than 22.18)"
  mkdir -p .toolchain
  cp scripts/toolchain/package.json scripts/toolchain/package-lock.json .toolchain/
  npm ci --prefix .toolchain --ignore-scripts --loglevel=error >/dev/null
  [ -x .toolchain/node_modules/.bin/node ] || { say 'npm did not install Node. fix: install Node 22.18 or newer'; exit 1; }
  touch "$stamp"
}

install_npm_packages() {
  stamp=node_modules/.culvert-installed
  [ -e "$stamp" ] && [ "$stamp" -nt package-lock.json ] && return 0
  say 'installing npm packages'
  npm ci --ignore-scripts --loglevel=error >/dev/null
  touch "$stamp"
}

install_packages
install_node
install_npm_packages
