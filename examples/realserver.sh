#!/bin/sh
# Sets this host up as a real server of every service that the director's file gives it: the VIPs, the tunnel, silence in
# ARP, and the MSS of its answers. Then says whether anything is missing. Run it as root, again after each reboot.
#   realserver.sh culvert.yaml 10.0.0.2 [10.0.0.3 ...]
set -eu
file=$1
shift
directors=''
for address in "$@"; do directors="$directors --director $address"; done
# shellcheck disable=SC2086 # several words
culvert realserver setup --from "$file" $directors
# shellcheck disable=SC2086 # several words
culvert realserver verify --from "$file" $directors
