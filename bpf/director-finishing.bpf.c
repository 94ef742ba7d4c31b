// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/* The fast path for interfaces whose packets may have unfinished checksums. A program of its own, so that it costs others
 * nothing. */
#define FINISHES_CHECKSUMS 1
#include "director.bpf.c"
