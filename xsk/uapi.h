// Constants of AF_XDP that are newer than the kernel headers of the oldest system we build on. They are probed at run
// time: a kernel that does not know one says so, and the port does without.
#pragma once

#include <linux/if_xdp.h>

// Linux 6.17: how many frames one wake-up sends in copy mode (setsockopt, a 32-bit number, 32 when never set).
#ifndef XDP_MAX_TX_SKB_BUDGET
#define XDP_MAX_TX_SKB_BUDGET 9
#endif
