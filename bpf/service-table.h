/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Look-ups in the map `services`, as src/forwarding/image/tables/service-table.ts fills it. */
#ifndef CULVERT_SERVICE_TABLE_H
#define CULVERT_SERVICE_TABLE_H

#include "image.h"
#include "packet.h"

/* What a look-up gives: kind SERVICE_EMPTY if there is none. It is the kind of the moment when the key matched. */
struct found_service {
	__u32 bucket;
	__u32 kind;
};

/* What names a service beside its VIP: the word of port and protocol, as it lies in the table. */
static __always_inline __u32 transport_word(__be16 port, __u8 protocol, int is_ipv6)
{
	return port | (__u32)(protocol | (is_ipv6 ? SERVICE_IPV6 : 0)) << 16;
}

static __always_inline __u32 service_bucket(struct address vip, __u32 transport)
{
	__u64 folded = vip.half[0] ^ vip.half[1];
	__u32 hash = ((__u32)folded ^ (__u32)(folded >> 32) ^ transport) * 0x9e3779b1u;

	return ((hash ^ hash >> 15) * 0x85ebca6bu) >> (32 - SERVICE_BUCKET_BITS);
}

static __always_inline const struct service *service_at(__u32 bucket)
{
	const struct service *service = &services[bucket % SERVICE_BUCKETS];

	ONE_ADDRESS(service);
	return service;
}

/* The kind shares an atomic word with port and protocol, below it. An entry that was emptied keeps its key. */
static __always_inline __u32 kind_if_matches(const struct service *service, struct address vip, __u32 transport)
{
	__u32 difference = READ_ONCE(*(const __u32 *)&service->port) ^ transport;
	const __u64 *half = (const __u64 *)service->vip;

	if (difference & 0xffffff || half[0] != vip.half[0] || half[1] != vip.half[1])
		return SERVICE_EMPTY;
	return difference >> 24;
}

/* The bucket, or -1. Apart from the first probe of find_service(), which all but always hits. */
__noinline int probe_services(__u64 vip_first, __u64 vip_second, __u32 transport)
{
	struct address vip = { .half = { vip_first, vip_second } };
	__u32 bucket = service_bucket(vip, transport);

#pragma clang loop unroll(disable)
	for (int probe = 0; probe < SERVICE_PROBES; probe++) {
		if (kind_if_matches(service_at(bucket + probe), vip, transport) != SERVICE_EMPTY)
			return (bucket + probe) % SERVICE_BUCKETS;
	}
	return -1;
}

/* That of the packet's port, or else that of all ports. */
static __always_inline struct found_service find_service(const struct packet *packet)
{
	__u32 transport = transport_word(packet->service_port, packet->protocol, packet->is_ipv6);
	struct found_service found = { .bucket = service_bucket(packet->vip, transport) };
	int bucket;

	found.kind = kind_if_matches(service_at(found.bucket), packet->vip, transport);
	if (likely(found.kind != SERVICE_EMPTY))
		return found;
	bucket = probe_services(packet->vip.half[0], packet->vip.half[1], transport);
	if (bucket < 0)
		bucket = probe_services(packet->vip.half[0], packet->vip.half[1], transport & 0xff0000);
	if (bucket >= 0)
		found = (struct found_service){ .bucket = bucket, .kind = service_at(bucket)->kind };
	return found;
}

/* Of the VIP's own entry, or -1. */
static __always_inline int vip_bucket(struct address address, int is_ipv6)
{
	return probe_services(address.half[0], address.half[1], transport_word(0, 0, is_ipv6));
}

#endif
