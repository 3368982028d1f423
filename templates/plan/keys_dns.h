// Keys of `dns`, of workloads and of services.
#pragma once

#include "templates/plan/keys.h"

namespace myriad::plan {

inline constexpr Key kDnsKeys[] = {
    {"query", "list", "none"},       {"expect", "mapping", "none"},
    {"queries", "list", "none"},     {"order", "in-order, random", "in-order"},
    {"per_session", "integer", "1"}, {"transport", "auto, udp, tcp", "auto"},
    {"retry", "duration", "1s"},     {"tries", "integer", "3"},
    {"edns", "none, size", "1232B"},
};
inline constexpr Key kDnsQueryKeys[] = {
    {"query", "list", "required"},
    {"expect", "mapping", "none"},
};
inline constexpr Key kDnsExpectKeys[] = {
    {"rcode", "text", "noerror"},
    {"answer", "text, list", "none"},
};
inline constexpr Key kDnsServiceKeys[] = {
    {"zone", "text", "required"},
    {"ttl", "duration", "1m"},
    {"records", "list", "required"},
};
inline constexpr Key kDnsRecordKeys[] = {
    {"name", "text", "required"},
    {"type", "text", "required"},
    {"data", "text, list", "required"},
    {"ttl", "duration", "none"},
};

inline constexpr KeyTable kDnsTable{"workloads.NAME.dns", kDnsKeys};
inline constexpr KeyTable kDnsQueryTable{"workloads.NAME.dns.queries", kDnsQueryKeys};
inline constexpr KeyTable kDnsExpectTable{"workloads.NAME.dns.expect", kDnsExpectKeys};
inline constexpr KeyTable kDnsServiceTable{"services.NAME.dns", kDnsServiceKeys};
inline constexpr KeyTable kDnsRecordTable{"services.NAME.dns.records", kDnsRecordKeys};

inline constexpr std::array kDnsTables = {kDnsServiceTable, kDnsRecordTable, kDnsTable, kDnsQueryTable,
                                          kDnsExpectTable};

}  // namespace myriad::plan
