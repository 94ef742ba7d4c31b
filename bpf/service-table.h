/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Look-ups in the map `services`, as src/forwarding/image/service-table.ts fills it. */
#ifndef CULVERT_SERVICE_TABLE_H
#define CULVERT_SERVICE_TABLE_H

#include "image.h"
#include "parse.h"

/* What a look-up gives: kind SERVICE_EMPTY if there is none. It is the kind of the moment when the key matched. */
struct found_service {
	const struct service *service;
	__u32 kind;
};

static __always_inline __u32 service_bucket(__be32 vip, __u32 transport)
{
	__u32 hash = (vip ^ transport) * 0x9e3779b1u;

	return ((hash ^ hash >> 15) * 0x85ebca6bu) >> (32 - SERVICE_BUCKET_BITS);
}

static __always_inline const struct service *service_at(__u32 bucket)
{
	const struct service *service = &services[bucket % SERVICE_BUCKETS];

	ONE_ADDRESS(service);
	return service;
}

/* The kind shares an atomic word with port and protocol, below it. An entry that was emptied keeps its key.
 * IPv6 entries, once there are any, will have to differ in that word, too. */
static __always_inline __u32 kind_if_matches(const struct service *service, __be32 vip, __u32 transport)
{
	__u32 difference = READ_ONCE(*(const __u32 *)&service->port) ^ transport;

	return difference & 0xffffff || service->vip[0] != vip ? SERVICE_EMPTY : difference >> 24;
}

/* Apart from the first probe, which all but always hits. */
static __noinline const struct service *probe_services(__be32 vip, __u32 transport, int from)
{
	__u32 bucket = service_bucket(vip, transport);

#pragma clang loop unroll(disable)
	for (int probe = from; probe < SERVICE_PROBES; probe++) {
		const struct service *service = service_at(bucket + probe);

		if (kind_if_matches(service, vip, transport) != SERVICE_EMPTY)
			return service;
	}
	return NULL;
}

static __always_inline struct found_service find_service(__be32 vip, __be16 port, __u8 protocol)
{
	__u32 transport = port | (__u32)protocol << 16;
	struct found_service found = { .service = service_at(service_bucket(vip, transport)) };

	found.kind = kind_if_matches(found.service, vip, transport);
	if (likely(found.kind != SERVICE_EMPTY))
		return found;
	found.service = probe_services(vip, transport, 1);
	found.kind = found.service ? found.service->kind : SERVICE_EMPTY;
	return found;
}

static __always_inline int is_vip(__be32 address)
{
	return probe_services(address, 0, 0) != NULL;
}

#endif
