/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * What the steering program and user space say to each other, written once: both the BPF C of steer.bpf.c and the C++
 * of bpf/steer_tables.cc include this header. Plain C types, no pointers, no implicit padding.
 *
 * All addresses are numbers in host order. A MAC address is its 48 bits, an IPv4 address its 32 bits, both in `low`
 * with `high` = 0; an IPv6 address is its two halves. VLAN tags are (outer << 16 | inner), 0 = untagged; the identifier
 * of a single tag is the outer one.
 */
#pragma once

#include <linux/types.h>

/* Ranges a table holds, and its size: a power of two. What does not fit goes to the hash, one entry per address. */
#define STEER_TABLE_RANGES 64

/* Entries the hash may have (about 100 bytes of kernel memory each). */
#define STEER_HASH_ENTRIES_MAX (1U << 18)

/* Sockets, that is queues x shards. */
#define STEER_SOCKETS_MAX (1U << 16)

/* Which address is looked up: the tables, and the first field of the key of the hash. */
enum steer_kind {
  STEER_MAC,
  STEER_IPV4,
  STEER_IPV6,
  STEER_GROUP, /* hash only: the low 24 bits of an IPv6 address, which its solicited-node group is made of */
  STEER_KINDS
};
#define STEER_TABLES STEER_GROUP

/* Consecutive addresses that belong to consecutive hosts. Innermost VLAN identifiers go up with the hosts, if at all.
 */
struct steer_range {
  __u64 high; /* the first address */
  __u64 low;
  __u64 reach_high; /* the last address of this range and of all before it */
  __u64 reach_low;
  __u32 count;
  __u32 first_host;
  __u32 vlan;           /* of the first host */
  __u32 vlan_step;      /* what `vlan` grows by: 0 = never, 1 = the inner identifier, 0x10000 = the outer one */
  __u32 hosts_per_vlan; /* ... every so many hosts; never 0 */
  __u32 reserved;
};

/* Read-only for the program; the verifier takes the values as constants and leaves out what they make unreachable. */
struct steer_config {
  __u32 shards;
  __u32 hashed; /* bit (1 << kind): the hash has entries of that kind */
  __u32 ranges[STEER_TABLES];
  __u32 index_bits[STEER_TABLES]; /* bits of the index of the last range: the steps of a search by halves */
};

/* Sorted by first address. Ranges may overlap when their VLANs differ. Unlike the above not constants to the verifier:
 * it would follow what each single range of each table means for the rest of the program. */
struct steer_tables {
  struct steer_range ranges[STEER_TABLES][STEER_TABLE_RANGES];
};

struct steer_key {
  __u32 kind;
  __u32 vlan;
  __u64 high;
  __u64 low;
};

/* What became of a frame; each has a counter. */
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

/* Per CPU. */
struct steer_counters {
  __u64 frames[STEER_OUTCOMES];
};

#ifdef __cplusplus
static_assert(sizeof(steer_range) == 56, "both sides lay a range out alike");
static_assert(sizeof(steer_tables) == STEER_TABLES * STEER_TABLE_RANGES * sizeof(steer_range));
static_assert(sizeof(steer_config) == 8 + 8 * STEER_TABLES);
static_assert(sizeof(steer_key) == 24, "the key of the hash has no padding: its bytes are compared");
static_assert(sizeof(steer_counters) == 8 * STEER_OUTCOMES);
static_assert((STEER_TABLE_RANGES & (STEER_TABLE_RANGES - 1)) == 0, "an index is masked, not compared");
#else
_Static_assert(sizeof(struct steer_range) == 56, "both sides lay a range out alike");
_Static_assert(sizeof(struct steer_key) == 24, "the key of the hash has no padding");
#endif
