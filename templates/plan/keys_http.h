// Keys of `http` and `https` workloads; see keys.h.
#pragma once

#include "templates/plan/keys.h"

namespace myriad::plan {

inline constexpr Key kHttpKeys[] = {
    {"get", "path", "/"},           {"head", "path", "none"},
    {"post", "path", "none"},       {"put", "path", "none"},
    {"urls", "list", "none"},       {"host", "text", "none"},
    {"headers", "mapping", "none"}, {"body", "mapping", "none"},
    {"expect", "mapping", "none"},  {"verify", "mapping", "none"},
    {"requests", "integer", "1"},   {"order", "in_order, random", "in_order"},
    {"pipeline", "integer", "1"},   {"redirects", "integer", "0"},
    {"think", "duration", "0s"},    {"keep_alive", "true, false", "true"},
    {"tls", "mapping", "none"},
};
inline constexpr Key kHttpUrlKeys[] = {
    {"get", "path", "none"},       {"head", "path", "none"},       {"post", "path", "none"},
    {"put", "path", "none"},       {"headers", "mapping", "none"}, {"body", "mapping", "none"},
    {"expect", "mapping", "none"}, {"verify", "mapping", "none"},
};
inline constexpr Key kHttpBodyKeys[] = {
    {"text", "text", "none"},
    {"file", "path", "none"},
    {"size", "size", "none"},
};
inline constexpr Key kHttpExpectKeys[] = {
    {"status", "integer, list", "required"},
};
inline constexpr Key kVerifyKeys[] = {
    {"sha256", "hex", "none"},
    {"bytes", "integer, size", "none"},
};
inline constexpr Key kTlsKeys[] = {
    {"verify", "true, false", "true"},  {"ca", "path", "none"},
    {"name", "text", "none"},           {"resume", "true, false", "true"},
    {"min_version", "1.2, 1.3", "1.2"}, {"max_version", "1.2, 1.3", "1.3"},
};

inline constexpr KeyTable kHttpTable{"workloads.NAME.http", kHttpKeys};
inline constexpr KeyTable kHttpUrlTable{"workloads.NAME.http.urls", kHttpUrlKeys};
inline constexpr KeyTable kHttpBodyTable{"workloads.NAME.http.body", kHttpBodyKeys};
inline constexpr KeyTable kHttpExpectTable{"workloads.NAME.http.expect", kHttpExpectKeys};
inline constexpr KeyTable kVerifyTable{"workloads.NAME.http.verify", kVerifyKeys};
inline constexpr KeyTable kTlsTable{"workloads.NAME.http.tls", kTlsKeys};

inline constexpr std::array kHttpTables = {kHttpTable,       kHttpUrlTable, kHttpBodyTable,
                                           kHttpExpectTable, kVerifyTable,  kTlsTable};

}  // namespace myriad::plan
