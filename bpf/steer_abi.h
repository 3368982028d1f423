/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * What the steering program and user space say to each other, written once: both the BPF C of steer.bpf.c and the C++
 * of bpf/steer_tables.cc include this header. Plain C types, no pointers, no padding.
 *
 * User space cuts the hosts of a port into segments: consecutive addresses of consecutive hosts in one VLAN. A million
 * hosts in one VLAN are one segment; a host whose address has no neighbour is a segment of one. The segments of a slice
 * (same kind of address, same VLAN, same upper half) are sorted and do not overlap, so one search by halves finds the
 * only one that can hold an address.
 *
 * All addresses are numbers in host order: a MAC address is its 48 bits, an IPv4 address its 32 bits, an IPv6 address
 * its two halves. VLAN tags are (outer << 16 | inner), 0 = untagged; the identifier of a single tag is the outer one.
 */
#pragma once

#include <linux/types.h>

/* Segments of all slices together: 16 bytes each. A power of two: indices are masked. */
#define STEER_SEGMENTS (1U << 16)

/* Sockets, that is queues x shards. */
#define STEER_SOCKETS_MAX (1U << 16)

/* Which address is looked up. */
enum steer_kind {
  STEER_MAC,
  STEER_IPV4,
  STEER_IPV6,
  STEER_GROUP, /* the low 24 bits of an IPv6 address, of which its solicited-node group is made */
  STEER_KINDS
};

struct steer_segment {
  __u64 first; /* address, or its lower half */
  __u32 count;
  __u32 first_host;
};

struct steer_slice {
  __u32 begin; /* of its segments */
  __u32 count;
};

/* Of the hash of slices. Those of untagged MAC and IPv4 addresses are not in it. */
struct steer_slice_key {
  __u32 kind;
  __u32 vlan;
  __u64 high; /* upper half of an IPv6 address, otherwise 0 */
};

/* A constant for the verifier. */
struct steer_config {
  __u32 shards;
};

/* Not constants for the verifier, which would otherwise follow each of their values through the program. */
struct steer_tables {
  struct steer_slice untagged[2]; /* STEER_MAC and STEER_IPV4 */
  struct steer_segment segments[STEER_SEGMENTS];
};

/* What became of a frame; each has a counter of frames per CPU. */
enum steer_outcome {
  STEER_REDIRECTED,           /* to the socket of the host's shard */
  STEER_NO_SOCKET,            /* the frame is for a host, but no socket serves its queue and shard: dropped */
  STEER_PASSED_TRUNCATED,     /* ends inside a header that had to be read */
  STEER_PASSED_MANY_TAGS,     /* more than two VLAN tags */
  STEER_PASSED_OTHER_MAC,     /* unicast to a MAC address that is no host's in that VLAN */
  STEER_PASSED_OTHER_ARP,     /* ARP to a group, about an address that is no host's, or not for IPv4 over Ethernet */
  STEER_PASSED_OTHER_SOLICIT, /* neighbour solicitation to a group, for an address that is no host's */
  STEER_PASSED_GROUP,         /* everything else to a broadcast or multicast address */
  STEER_OUTCOMES
};

#ifdef __cplusplus
static_assert(sizeof(steer_segment) == 16, "both sides lay a segment out alike");
static_assert(sizeof(steer_slice) == 8);
static_assert(sizeof(steer_slice_key) == 16, "no padding: the bytes of the key are compared");
static_assert(sizeof(steer_tables) == 16 + 16 * STEER_SEGMENTS);
static_assert(STEER_MAC == 0 && STEER_IPV4 == 1, "they index `untagged`");
#else
_Static_assert(sizeof(struct steer_segment) == 16, "both sides lay a segment out alike");
_Static_assert(sizeof(struct steer_slice_key) == 16, "no padding: the bytes of the key are compared");
_Static_assert(sizeof(struct steer_tables) == 16 + 16 * STEER_SEGMENTS, "both sides lay the tables out alike");
#endif
