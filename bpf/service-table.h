/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Look-ups in the map `services`, as src/forwarding/image/service-table.ts fills it. */
#ifndef CULVERT_SERVICE_TABLE_H
#define CULVERT_SERVICE_TABLE_H

#include "image.h"
#include "parse.h"

/* Port and protocol as the entry has them in its fifth word; its kind is the highest byte there. */
#define SERVICE_TRANSPORT_MASK 0xffffff

static __always_inline __u32 service_bucket(__be32 vip, __u32 transport)
{
	__u32 hash = (vip ^ transport) * 0x9e3779b1u;

	return ((hash ^ hash >> 15) * 0x85ebca6bu) >> (32 - SERVICE_BUCKET_BITS);
}

static __always_inline int service_matches(const struct service *service, __be32 vip, __u32 transport)
{
	__u32 word = READ_ONCE(*(const __u32 *)&service->port);

	return (word & SERVICE_TRANSPORT_MASK) == transport && word >> 24 != SERVICE_EMPTY &&
	       *(const __u64 *)&service->vip[0] == vip && *(const __u64 *)&service->vip[2] == 0;
}

static __always_inline const struct service *find_service(__be32 vip, __be16 port, __u8 protocol)
{
	__u32 transport = port | (__u32)protocol << 16;
	__u32 bucket = service_bucket(vip, transport);

	for (int probe = 0; probe < SERVICE_PROBES; probe++) {
		__u32 index = (bucket + probe) & (SERVICE_BUCKETS - 1);
		const struct service *service = bpf_map_lookup_elem(&services, &index);

		if (service && service_matches(service, vip, transport))
			return service;
	}
	return NULL;
}

static __always_inline int is_vip(__be32 address)
{
	return find_service(address, 0, 0) != NULL;
}

#endif
