/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Whose frame is it? BPF C only. Declares the tables that user space fills (see steer_abi.h) and one function over
 * them, steer_decide(). A program that includes this header answers exactly as steer.bpf.c does.
 *
 * A redirected frame is lost to the kernel, so a frame to a group is ours only by its content: ARP and neighbour
 * solicitation by target, other IPv6 by a solicited-node group that a host has joined. All else stays with the kernel.
 *
 * No loops: loaded with CAP_BPF and CAP_NET_ADMIN alone, a program is also checked for what a CPU would do
 * speculatively, and the verifier would follow a loop past its end and never come back.
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
struct steer_tables steer_tables = {};

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1); /* user space sets what it needs */
  __type(key, struct steer_slice_key);
  __type(value, struct steer_slice);
} steer_slices SEC(".maps");

/* Unaligned reads of network order; the caller has compared with data_end. */
static __always_inline __u16 steer_be16(const void* at) { return bpf_ntohs(*(const __u16*)at); }
static __always_inline __u32 steer_be32(const void* at) { return bpf_ntohl(*(const __u32*)at); }
static __always_inline __u64 steer_be64(const void* at) { return bpf_be64_to_cpu(*(const __u64*)at); }

static __always_inline const struct steer_segment* steer_segment_at(__u32 index) {
  return &steer_tables.segments[index & (STEER_SEGMENTS - 1)];
}

/* Four steps of a search by halves: sets each of the bits shift + 3 to `shift` of `position` if the segment that it
 * leads to belongs to the slice and starts at or before the address. Without branches: the sign bits are the borrows of
 * middle - count and address - first (Warren, Hacker's Delight, section 2-13).
 *
 * A global function of numbers, which the verifier checks once, by itself; to its callers the result is any number.
 * Inline, it would follow every way through a search of 65,536 segments. */
__noinline __u32 steer_halve(__u32 begin, __u32 count, __u64 address, __u32 position, __u32 shift) {
#pragma clang loop unroll(full)
  for (int step = 3; step >= 0; --step) {
    __u32 bit = 1U << ((shift + step) & 31);
    __u32 middle = position | bit;
    __u64 first = steer_segment_at(begin + middle)->first;
    __u64 after = (~address & first) | ((~address | first) & (address - first));
    __u64 inside = (__u64)middle - count;
    __u32 take = (__u32)((~after & inside) >> 63);

    barrier_var(take); /* or the compiler makes a branch of it */
    position |= take * bit;
  }
  return position;
}

/* The host that has this address in this VLAN. */
static __always_inline __u64 steer_find(__u32 kind, __u64 high, __u64 low, __u32 vlan) {
  const struct steer_slice* found = &steer_tables.untagged[kind & 1];
  const struct steer_segment* segment;
  struct steer_slice slice;
  __u32 position = 0;

  if (vlan != 0 || kind > STEER_IPV4) {
    struct steer_slice_key key = {.kind = kind, .vlan = vlan, .high = high};

    found = bpf_map_lookup_elem(&steer_slices, &key);
    if (!found) return STEER_NOBODY;
  }
  slice = *found;
  if (slice.count == 0) return STEER_NOBODY;
  if (slice.count > 1U << 8) {
    position = steer_halve(slice.begin, slice.count, low, position, 12);
    position = steer_halve(slice.begin, slice.count, low, position, 8);
  }
  if (slice.count > 1U << 4) position = steer_halve(slice.begin, slice.count, low, position, 4);
  if (slice.count > 1) position = steer_halve(slice.begin, slice.count, low, position, 0);
  segment = steer_segment_at(slice.begin + position);
  if (low - segment->first >= segment->count) return STEER_NOBODY;
  return segment->first_host + (__u32)(low - segment->first);
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
  /* RFC 4291 section 2.7.1. Several hosts may have joined: the lowest gets it. */
  if (steer_be64(ip + 24) == 0xff02000000000000 && steer_be64(ip + 32) >> 24 == 0x00000001ff) {
    *host = steer_find(STEER_GROUP, 0, steer_be32(ip + 36) & 0xffffff, vlan);
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
