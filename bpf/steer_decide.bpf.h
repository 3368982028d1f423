/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Whose frame is it? BPF C only. Declares the configuration, the tables of ranges and the hash of single addresses, and
 * one function over them, steer_decide(). A program that includes this header answers exactly as steer.bpf.c does.
 *
 * A redirected frame is lost to the kernel, so a frame to a group is ours only by its content: ARP and neighbour
 * solicitation by target, other IPv6 by a solicited-node group that a host has joined. All else stays with the kernel.
 */
#pragma once

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/steer_abi.h"

#define STEER_NOBODY ((__u64)1 << 32) /* not a host: those are 32 bits */

#define STEER_ETHERTYPE_IPV4 0x0800
#define STEER_ETHERTYPE_ARP 0x0806
#define STEER_ETHERTYPE_VLAN 0x8100
#define STEER_ETHERTYPE_QINQ 0x88a8
#define STEER_ETHERTYPE_IPV6 0x86dd
#define STEER_NEXT_HEADER_ICMPV6 58
#define STEER_NEIGHBOUR_SOLICITATION 135

const volatile struct steer_config steer_config = {};
SEC(".data.tables") struct steer_tables steer_tables = {};

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1); /* user space sets what it needs */
  __type(key, struct steer_key);
  __type(value, __u32); /* host */
} steer_singles SEC(".maps");

/* Unaligned reads of network order; the caller has compared with data_end. */
static __always_inline __u16 steer_be16(const void* at) { return bpf_ntohs(*(const __u16*)at); }
static __always_inline __u32 steer_be32(const void* at) { return bpf_ntohl(*(const __u32*)at); }
static __always_inline __u64 steer_be64(const void* at) { return bpf_be64_to_cpu(*(const __u64*)at); }

/* 1 if a - b - borrow borrows, else 0, without a branch: the verifier would follow both ways of every branch of a
 * search. The top bit of the difference with borrow (Warren, Hacker's Delight, section 2-13). */
static __always_inline __u64 steer_below64(__u64 a, __u64 b, __u64 borrow) {
  __u64 below = ((~a & b) | ((~a | b) & (a - b - borrow))) >> 63;

  barrier_var(below); /* or the compiler makes a branch of it */
  return below;
}
/* (high, low) < (other_high, other_low) */
static __always_inline __u64 steer_below(__u64 high, __u64 low, __u64 other_high, __u64 other_low) {
  return steer_below64(high, other_high, steer_below64(low, other_low, 0));
}

/* The host that has this address in this VLAN. Halving finds the last range that starts at or before the address; the
 * walk back from there goes on only where ranges of different VLANs overlap. */
static __always_inline __u64 steer_find_range(__u32 kind, __u64 high, __u64 low, __u32 vlan) {
  const struct steer_range* ranges = steer_tables.ranges[kind];
  __u32 position = 0;
  __u32 bit;
  int steps;

  if (steer_config.ranges[kind] == 0) return STEER_NOBODY;
  for (bit = steer_config.index_bits[kind]; bit-- != 0;) {
    const struct steer_range* range = &ranges[(position | 1U << bit) & (STEER_TABLE_RANGES - 1)];
    __u64 starts_after = steer_below(high, low, range->high, range->low);

    position |= (__u32)(starts_after ^ 1) << bit;
  }
#pragma clang loop unroll(disable)
  for (steps = 0; steps < STEER_TABLE_RANGES; ++steps) {
    const struct steer_range* range = &ranges[position & (STEER_TABLE_RANGES - 1)];
    __u64 first_low = range->low;
    __u64 offset = low - first_low;

    if (high - range->high == steer_below64(low, first_low, 0) && offset < range->count) {
      __u32 tags = range->vlan;
      __u32 step = range->vlan_step;

      if (step != 0) tags += (__u32)offset / range->hosts_per_vlan * step;
      if (tags == vlan) return range->first_host + (__u32)offset;
    }
    if (position == 0) break;
    --position;
    range = &ranges[position & (STEER_TABLE_RANGES - 1)];
    if (steer_below(range->reach_high, range->reach_low, high, low)) break;
  }
  return STEER_NOBODY;
}

static __always_inline __u64 steer_find_single(__u32 kind, __u64 high, __u64 low, __u32 vlan) {
  struct steer_key key = {.kind = kind, .vlan = vlan, .high = high, .low = low};
  __u32* host;

  if ((steer_config.hashed & (1U << kind)) == 0) return STEER_NOBODY;
  host = bpf_map_lookup_elem(&steer_singles, &key);
  return host ? *host : STEER_NOBODY;
}

static __always_inline __u64 steer_find(__u32 kind, __u64 high, __u64 low, __u32 vlan) {
  __u64 host = steer_find_range(kind, high, low, vlan);

  return host != STEER_NOBODY ? host : steer_find_single(kind, high, low, vlan);
}

/* The lowest host among those in this VLAN that joined ff02::1:ff00:0/104 + `group`, which are those whose IPv6 address
 * ends in these 24 bits. Rare frames: the table is walked from end to end. */
static __always_inline __u64 steer_find_group(__u32 group, __u32 vlan) {
  const struct steer_range* ranges = steer_tables.ranges[STEER_IPV6];
  __u64 found = steer_find_single(STEER_GROUP, 0, group, vlan);
  __u32 index;

#pragma clang loop unroll(disable)
  for (index = 0; index < STEER_TABLE_RANGES; ++index) {
    const struct steer_range* range = &ranges[index];
    __u64 begin = 0; /* of the hosts in this VLAN, as offsets into the range */
    __u64 end = range->count;
    __u32 step = range->vlan_step;
    __u32 tags = range->vlan;
    __u64 offset;

    if (index >= steer_config.ranges[STEER_IPV6]) break;
    if (step == 0) {
      if (tags != vlan) continue;
    } else {
      __u32 per = range->hosts_per_vlan;
      __u32 beyond = vlan - tags;

      if (vlan < tags || (step == 0x10000 && (beyond & 0xffff) != 0)) continue;
      if (step == 0x10000) beyond >>= 16;
      begin = (__u64)beyond * per;
      if (end > begin + per) end = begin + per;
    }
    offset = begin + ((group - (range->low & 0xffffff) - begin) & 0xffffff);
    if (offset < end && range->first_host + offset < found) found = range->first_host + offset;
  }
  return found;
}

/* ARP to a group: by target protocol address (RFC 826). A gratuitous one has our address as its target and comes too.
 */
static __always_inline enum steer_outcome steer_decide_arp(const __u8* arp, const __u8* end, __u32 vlan, __u64* host) {
  if (arp + 28 > end) return STEER_PASSED_TRUNCATED;
  /* hardware Ethernet, protocol IPv4, lengths 6 and 4 */
  if (steer_be64(arp) >> 16 != 0x000108000604) return STEER_PASSED_OTHER_ARP;
  *host = steer_find(STEER_IPV4, 0, steer_be32(arp + 24), vlan);
  return *host != STEER_NOBODY ? STEER_REDIRECTED : STEER_PASSED_OTHER_ARP;
}

/* IPv6 to a group. A neighbour solicitation as RFC 4861 section 7.1.1 has it belongs to its target alone: the low bits
 * of an address of the kernel may well be those of one of ours. */
static __always_inline enum steer_outcome steer_decide_ipv6(const __u8* ip, const __u8* end, __u32 vlan, __u64* host) {
  if (ip + 40 > end) return STEER_PASSED_TRUNCATED;
  if (ip[0] >> 4 != 6) return STEER_PASSED_GROUP;
  if (ip[6] == STEER_NEXT_HEADER_ICMPV6 && ip[7] == 255 && ip + 41 <= end && ip[40] == STEER_NEIGHBOUR_SOLICITATION) {
    if (ip + 64 > end) return STEER_PASSED_TRUNCATED;
    *host = steer_find(STEER_IPV6, steer_be64(ip + 48), steer_be64(ip + 56), vlan);
    return *host != STEER_NOBODY ? STEER_REDIRECTED : STEER_PASSED_OTHER_SOLICIT;
  }
  /* RFC 4291 section 2.7.1 */
  if (steer_be64(ip + 24) == 0xff02000000000000 && steer_be64(ip + 32) >> 24 == 0x00000001ff) {
    *host = steer_find_group(steer_be32(ip + 36) & 0xffffff, vlan);
    if (*host != STEER_NOBODY) return STEER_REDIRECTED;
  }
  return STEER_PASSED_GROUP;
}

/* STEER_REDIRECTED: the frame is for *host. Anything else: the kernel's, and why. */
static __always_inline enum steer_outcome steer_decide(const void* data, const void* data_end, __u64* host) {
  const __u8* at = data;
  const __u8* end = data_end;
  __u16 ethertype;
  __u32 vlan = 0;
  int tags;

  *host = STEER_NOBODY;
  if (at + 14 > end) return STEER_PASSED_TRUNCATED;
  ethertype = steer_be16(at + 12);
  at += 14;
#pragma clang loop unroll(full)
  for (tags = 0; tags < 3; ++tags) {
    __u32 id;

    if (ethertype != STEER_ETHERTYPE_VLAN && ethertype != STEER_ETHERTYPE_QINQ) break;
    if (tags == 2) return STEER_PASSED_MANY_TAGS;
    if (at + 4 > end) return STEER_PASSED_TRUNCATED;
    id = steer_be16(at) & 0xfff; /* 0: a priority tag, of no VLAN (IEEE 802.1Q section 9.6) */
    if (vlan == 0)
      vlan = id << 16;
    else
      vlan |= id;
    ethertype = steer_be16(at + 2);
    at += 4;
  }

  if ((*(const __u8*)data & 1) == 0) {
    __u64 mac = (__u64)steer_be16(data) << 32 | steer_be32((const __u8*)data + 2);

    *host = steer_find(STEER_MAC, 0, mac, vlan);
    return *host != STEER_NOBODY ? STEER_REDIRECTED : STEER_PASSED_OTHER_MAC;
  }
  if (ethertype == STEER_ETHERTYPE_ARP) return steer_decide_arp(at, end, vlan, host);
  if (ethertype == STEER_ETHERTYPE_IPV6) return steer_decide_ipv6(at, end, vlan, host);
  return STEER_PASSED_GROUP;
}
