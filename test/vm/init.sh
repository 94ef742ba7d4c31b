#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# The first process of a guest: puts a throw-away layer over the host's file system and runs the tests there. By the
# kernel's command line come CULVERT_CHECKOUT, CULVERT_NODE and CULVERT_MODULES (directories of the checkout, of Node's
# program and of the modules), CULVERT_JOB (test or record) and CULVERT_TESTS (parts of names, with commas between them).

fail() {
  echo "guest: $*"
  exec /bin/busybox reboot -f
}

/bin/busybox --install -s /bin
mkdir -p /proc /sys /host /layer /root
mount -t proc proc /proc
mount -t sysfs sys /sys
while read -r module; do
  insmod "/modules/$module" || fail "cannot load $module"
done </modules/order

host_options=trans=virtio,version=9p2000.L,msize=524288,cache=loose,ro
mount -t 9p -o "$host_options" host /host || fail "cannot mount the host's files"
mount -t tmpfs tmpfs /layer
mkdir /layer/upper /layer/work
layers=lowerdir=/host,upperdir=/layer/upper,workdir=/layer/work
mount -t overlay -o "$layers" overlay /root || fail "cannot lay anything over the host's files"

mkdir -p /root/lib/modules
mount -o bind "/host$CULVERT_MODULES" /root/lib/modules
mount -t proc proc /root/proc
mount -t sysfs sys /root/sys
mount -t bpf bpf /root/sys/fs/bpf
mount -t devtmpfs dev /root/dev
mkdir -p /root/dev/pts /root/dev/net
mount -t devpts devpts /root/dev/pts
# As udev does: opening it loads the module.
mknod /root/dev/net/tun c 10 200
mount -t tmpfs tmpfs /root/run
# Not over a checkout that is there.
case $CULVERT_CHECKOUT in /tmp/*) ;; *) mount -t tmpfs tmpfs /root/tmp ;; esac
ip link set lo up

export HOME=/root
# Compiling, and taking the types off, is what a start of Node spends its time on.
export NODE_COMPILE_CACHE=/tmp/compile-cache
export PATH="$CULVERT_NODE:$CULVERT_CHECKOUT/node_modules/.bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Not in a child process: the kernel looks for modprobe under the first process's root. With -no-reboot the reboot ends QEMU.
exec chroot /root /bin/sh -c '
  cd "$CULVERT_CHECKOUT"
  filters=$(echo "$CULVERT_TESTS" | tr , " ")
  case $CULVERT_JOB in
    record) node test/vm/guest/record.ts $filters ;;
    *) vitest run --config test/vm/vitest.config.ts $filters ;;
  esac
  exec busybox reboot -f'
