#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fetches what `make test-vm` boots: QEMU, and Debian's kernels, unpacked into build/vm/<series> beside an initramfs.
# Prints one line for each thing it fetches. No kernel is installed on this machine.
# Where a kernel or program is not available, build/vm/<series>/missing says why, and the guest counts as skipped.
set -eu
cd "$(dirname "$0")/.."

packages='qemu-system-x86 busybox-static kmod xz-utils ipvsadm'
programs='qemu-system-x86_64 busybox modprobe depmod xz ipvsadm apt-get dpkg-deb'
series_wanted='6.1 6.12'
# The modules the initramfs needs to reach the host's files; other modules are loaded from there.
first_modules='virtio_pci 9pnet_virtio 9p overlay'
init=test/vm/init.sh
lists_updated=

say() { printf 'setup: %s\n' "$*" >&2; }

update_lists() {
  [ -z "$lists_updated" ] || return 0
  lists_updated=yes
  [ "$(id -u)" = 0 ] || return 0
  apt-get update -qq >/dev/null 2>&1 || say 'apt-get update failed; using the package lists already here'
}

install_packages() {
  for package in $packages; do
    dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed && continue
    if [ "$(id -u)" != 0 ]; then
      say "not root, so this package is not installed: $package"
      continue
    fi
    update_lists
    say "installing $package (Debian package)"
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null ||
      say "$package cannot be installed"
  done
}

missing_programs() {
  for program in $programs; do
    command -v "$program" >/dev/null || printf '%s ' "$program"
  done
}

give_up() {
  say "skipping the guests: missing on this machine: $1"
  for series in $series_wanted; do
    rm -rf "build/vm/$series"
    mkdir -p "build/vm/$series"
    echo "missing on this machine: $1" >"build/vm/$series/missing"
  done
}

# Prints the newest stock kernel package of a series: signed, and neither cloud nor realtime, because that is what people run.
newest_kernel() {
  apt-cache pkgnames "linux-image-$1." | grep -E '^linux-image-[0-9.]+(-[0-9]+|\+deb[0-9]+|\+bpo)-amd64$' | sort -V | tail -n 1
}

fetch_kernel() {
  series=$1
  to=build/vm/$series
  [ ! -e "$to/release" ] || return 0
  rm -rf "$to"
  mkdir -p "$to"
  update_lists
  package=$(newest_kernel "$series")
  if [ -z "$package" ]; then
    echo "no package of a Linux $series kernel in the configured package sources" >"$to/missing"
    say "skipping Linux $series: $(cat "$to/missing")"
    return 0
  fi
  say "fetching $package (Debian package, unpacked into $to)"
  (cd "$to" && apt-get download -qq "$package" 2>/dev/null) || {
    echo "$package cannot be downloaded" >"$to/missing"
    say "skipping Linux $series: $(cat "$to/missing")"
    return 0
  }
  dpkg-deb -x "$to"/*.deb "$to"
  rm "$to"/*.deb
  # Newer packages have their modules in /usr/lib.
  [ -d "$to/lib/modules" ] || ln -s usr/lib "$to/lib"
  release=$(ls "$to/lib/modules")
  depmod -b "$to" "$release"
  # Written last: it marks the directory as complete.
  echo "$release" >"$to/release"
}

build_initramfs() {
  to=build/vm/$1
  [ -e "$to/release" ] || return 0
  [ ! "$to/initramfs" -nt "$init" ] || return 0
  tree=$to/initramfs-tree
  rm -rf "$tree"
  mkdir -p "$tree/bin" "$tree/modules"
  cp "$(command -v busybox)" "$tree/bin/busybox"
  install -m 755 "$init" "$tree/init"
  for module in $first_modules; do
    modprobe -d "$to" -S "$(cat "$to/release")" --show-depends "$module"
  done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' >"$tree/paths"
  while read -r path; do
    name=$(basename "${path%.xz}")
    case $path in
      *.xz) xz -dc "$path" >"$tree/modules/$name" ;;
      *) cp "$path" "$tree/modules/$name" ;;
    esac
    echo "$name" >>"$tree/modules/order"
  done <"$tree/paths"
  rm "$tree/paths"
  (cd "$tree" && busybox find . | busybox cpio -o -H newc 2>/dev/null) >"$to/initramfs.new"
  mv "$to/initramfs.new" "$to/initramfs"
  rm -rf "$tree"
}

command -v dpkg-query >/dev/null && install_packages
missing=$(missing_programs)
if [ -n "$missing" ]; then
  give_up "$missing"
  exit 0
fi
for series in $series_wanted; do
  fetch_kernel "$series"
  build_initramfs "$series"
done
