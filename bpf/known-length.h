/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef CULVERT_KNOWN_LENGTH_H
#define CULVERT_KNOWN_LENGTH_H

#include <linux/types.h>

/* Tells the verifier what was tested before: a length lies in 1..max. In assembly, because the compiler folds both
 * tests into one subtraction, whose outcome tells the verifier nothing about the length itself. */
#define known_length(length, max)                                                                                     \
	({                                                                                                            \
		__u64 known = (length);                                                                               \
		asm volatile("if %0 > 0 goto +1\n%0 = 1\nif %0 <= %1 goto +1\n%0 = %1" : "+r"(known) : "i"(max));    \
		known;                                                                                                \
	})

#endif
