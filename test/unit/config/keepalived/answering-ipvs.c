// SPDX-License-Identifier: Apache-2.0
// Preloaded into keepalived where the kernel has no IPVS: every request to it succeeds, so that keepalived runs and says
// what it made of its configuration.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

// IP_VS_BASE_CTL of linux/ip_vs.h, and room for all that follows.
enum { IPVS_FIRST = 64 + 1024 + 64, IPVS_LAST = IPVS_FIRST + 127 };

static int is_ipvs(int level, int name)
{
	return level == IPPROTO_IP && name >= IPVS_FIRST && name <= IPVS_LAST;
}

int getsockopt(int fd, int level, int name, void *value, socklen_t *length)
{
	int (*real)(int, int, int, void *, socklen_t *) = dlsym(RTLD_NEXT, "getsockopt");

	if (!is_ipvs(level, name))
		return real(fd, level, name, value, length);
	memset(value, 0, *length);
	return 0;
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
	int (*real)(int, int, int, const void *, socklen_t) = dlsym(RTLD_NEXT, "setsockopt");

	return is_ipvs(level, name) ? 0 : real(fd, level, name, value, length);
}
