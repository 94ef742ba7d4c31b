// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/* Takes the outer header off tunnel packets for this host's VIPs, in place of the kernel's tunnel devices.
 * src/realserver/program/decapsulation-program.ts mirrors the maps. */
#include "tunnel-header.h"

enum count {
	COUNT_DECAPSULATED = 0,
	COUNT_FRAGMENT = 1,          /* an outer fragment passed on as a fragment of the inner packet */
	COUNT_JOINED = 2,            /* outer fragments that came in the wrong order, put together */
	COUNT_REFUSED_SOURCE = 3,    /* for a VIP, but not from a director: dropped */
	COUNT_OTHER_DESTINATION = 4, /* a tunnel packet, but for no VIP: left to the stack */
	COUNT_MALFORMED = 5,
	COUNT_CONGESTION = 6,        /* dropped as RFC 6040 asks */
	COUNT_FRAGMENT_LOST = 7,     /* an outer fragment whose others did not come, or not in a usable way */
	COUNT_CHECKSUM = 8,          /* the checksum of GRE or of the outer UDP is wrong */
	COUNTS = 9,
};

/* A kind of tunnel, and the UDP port where it has one. */
struct tunnel_type {
	__u32 kind;                  /* enum tunnel_kind */
	__u32 port;                  /* TUNNEL_GUE; in host order, else 0 */
};

/* Each VIP with a tunnel that its packets may come in: one VIP may have several, and each VIP others. */
struct accepted_key {
	struct address vip;
	struct tunnel_type type;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct accepted_key);
	__type(value, __u32);
} accepted SEC(".maps");

/* The tunnels that any VIP has; GUE also with port 0. All others are the stack's, which costs them one look-up. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct tunnel_type);
	__type(value, __u32);
} types SEC(".maps");

/* Whose tunnel packets are accepted; the unspecified address of a family stands for anyone's of it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct address);
	__type(value, __u32);
} directors SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNTS);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

/* A tunnel packet, from its outside in. */
struct packet {
	struct outer outer;
	struct tunnel tunnel;
	struct inner inner;
};

enum source {
	SOURCE_STRANGER,
	SOURCE_ANYONE,               /* accepted, but not by its own address */
	SOURCE_DIRECTOR,
};

static __always_inline int counted(enum count reason, int verdict)
{
	__u32 key = reason;
	__u64 *count = bpf_map_lookup_elem(&counts, &key);

	if (count)
		*count += 1;
	return verdict;
}

static __always_inline enum source source_of(const struct outer *outer)
{
	struct address anyone = outer->source;

	if (bpf_map_lookup_elem(&directors, &outer->source))
		return SOURCE_DIRECTOR;
	anyone.word[3] = 0;
	if (anyone.word[0] || anyone.word[1] || anyone.word[2] != bpf_htonl(0xffff))
		anyone.word[0] = anyone.word[1] = anyone.word[2] = 0;
	return bpf_map_lookup_elem(&directors, &anyone) ? SOURCE_ANYONE : SOURCE_STRANGER;
}

static __always_inline __u32 kind_of(__u8 protocol)
{
	if (protocol == IPPROTO_GRE)
		return TUNNEL_GRE;
	return protocol == IPPROTO_UDP ? TUNNEL_GUE : TUNNEL_IPIP;
}

static __always_inline int is_accepted_protocol(__u8 protocol)
{
	struct tunnel_type type = { .kind = kind_of(protocol) };

	if (type.kind == TUNNEL_IPIP && protocol != IPPROTO_IPIP && protocol != IPPROTO_IPV6)
		return 0;
	return bpf_map_lookup_elem(&types, &type) != 0;
}

/* The tunnel that a packet which is no later fragment comes in; -1: one that no VIP has. */
static __always_inline int load_type(struct xdp_md *ctx, const struct outer *outer, struct tunnel_type *type)
{
	struct udphdr udp;

	*type = (struct tunnel_type){ .kind = kind_of(outer->protocol) };
	if (type->kind != TUNNEL_GUE)
		return 0;
	if (bpf_xdp_load_bytes(ctx, ETH_HLEN + outer->header_bytes, &udp, sizeof(udp)) || !udp.dest)
		return -1;
	type->port = bpf_ntohs(udp.dest);
	return bpf_map_lookup_elem(&types, type) ? 0 : -1;
}

/* Moves the start of the frame by `bytes` and puts its Ethernet header there, with the inner packet's type. */
static __always_inline int move_head(struct xdp_md *ctx, int bytes, __be16 ethertype)
{
	struct ethhdr eth;

	if (bpf_xdp_load_bytes(ctx, 0, &eth, sizeof(eth)) || bpf_xdp_adjust_head(ctx, bytes))
		return -1;
	eth.h_proto = ethertype;
	return bpf_xdp_store_bytes(ctx, 0, &eth, sizeof(eth));
}

/* Reads tunnel and inner header; -1: the packet is for no VIP that has this tunnel. */
static __always_inline int parse_tunnelled(struct xdp_md *ctx, struct packet *packet)
{
	struct accepted_key key;

	if (load_type(ctx, &packet->outer, &key.type) ||
	    parse_tunnel(ctx, &packet->outer, bpf_htons(key.type.port), &packet->tunnel))
		return -1;
	packet->inner.ethertype = packet->tunnel.ethertype;
	packet->inner.at = ETH_HLEN + packet->outer.header_bytes + packet->tunnel.header_bytes;
	packet->inner.room = packet->outer.payload_bytes - packet->tunnel.header_bytes;
	if (load_inner(ctx, &packet->inner))
		return -1;
	key.vip = inner_destination(&packet->inner);
	return bpf_map_lookup_elem(&accepted, &key) ? 0 : counted(COUNT_OTHER_DESTINATION, -1);
}

#include "outer-fragments.h"

static __always_inline int decapsulate(struct xdp_md *ctx, struct packet *packet)
{
	const struct tunnel *tunnel = &packet->tunnel;
	struct inner *inner = &packet->inner;
	int tos;

	if (source_of(&packet->outer) == SOURCE_STRANGER)
		return counted(COUNT_REFUSED_SOURCE, XDP_DROP);
	if (tunnel->payload_bytes > packet->outer.payload_bytes || !inner_is_sound(inner) ||
	    tunnel->header_bytes + inner->length > tunnel->payload_bytes)
		return counted(COUNT_MALFORMED, XDP_DROP);
	if (!tunnel_checksum_is_right(ctx, &packet->outer, tunnel))
		return counted(COUNT_CHECKSUM, XDP_DROP);
	if (has_remote_checksum(tunnel) && finish_remote_checksum(ctx, tunnel, inner))
		return counted(COUNT_MALFORMED, XDP_DROP);
	tos = decapsulated_tos(packet->outer.tos, inner_tos(inner));
	if (tos < 0)
		return counted(COUNT_CONGESTION, XDP_DROP);
	if (tos != inner_tos(inner)) {
		set_inner_tos(inner, tos);
		bpf_xdp_store_bytes(ctx, inner->at, &inner->ip, sizeof(inner->ip));
	}
	if (move_head(ctx, inner->at - ETH_HLEN, inner->ethertype))
		return counted(COUNT_MALFORMED, XDP_DROP);
	return counted(COUNT_DECAPSULATED, XDP_PASS);
}

/* Multi-buffer frames are welcome: drivers refuse other programs on links with jumbo frames. */
SEC("xdp.frags")
int culvert_realserver(struct xdp_md *ctx)
{
	struct packet packet;

	if (parse_outer(ctx, &packet.outer) || !is_accepted_protocol(packet.outer.protocol))
		return XDP_PASS;
	if (packet.outer.offset)
		return later_fragment(ctx, &packet.outer);
	if (parse_tunnelled(ctx, &packet))
		return packet.outer.more ? foreign_fragment(&packet.outer) : XDP_PASS;
	return packet.outer.more ? first_fragment(ctx, &packet) : decapsulate(ctx, &packet);
}

char LICENSE[] SEC("license") = "GPL";
