// The keys of smb2 workloads; see keys.h.
#pragma once

#include <array>

#include "templates/plan/keys_http.h"

namespace myriad::plan {

inline constexpr Key kSmb2Keys[] = {
    {"share", "name", "required"},
    {"get", "path", "none"},
    {"verify", "mapping", "none"},
    {"put", "mapping", "none"},
    {"list", "path", "none"},
    {"hold", "duration", "0s"},
    {"echo", "duration", "10s"},
    {"user", "text", "none"},
    {"password", "text", "none"},
    {"domain", "text", "none"},
    {"signing", "auto, required", "auto"},
    {"dialects", "list", "[2.0.2, 2.1, 3.0.2, 3.1.1]"},
};
inline constexpr Key kSmb2PutKeys[] = {
    {"name", "path", "required"},
    {"size", "size", "required"},
};

inline constexpr KeyTable kSmb2Table{"workloads.NAME.smb2", kSmb2Keys};
inline constexpr KeyTable kSmb2VerifyTable{"workloads.NAME.smb2.verify", kVerifyKeys};
inline constexpr KeyTable kSmb2PutTable{"workloads.NAME.smb2.put", kSmb2PutKeys};

inline constexpr std::array kSmb2Tables = {kSmb2Table, kSmb2VerifyTable, kSmb2PutTable};

}  // namespace myriad::plan
