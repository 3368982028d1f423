// Keys of the scripts of `tcp` and `udp`.
#pragma once

#include "templates/plan/keys.h"

namespace myriad::plan {

inline constexpr Key kScriptKeys[] = {
    {"script", "list", "required"},
};
inline constexpr Key kScriptStepKeys[] = {
    {"send", "text, mapping", "none"}, {"expect", "text, mapping", "none"}, {"send_bytes", "size", "none"},
    {"expect_bytes", "size", "none"},  {"sleep", "duration", "none"},       {"close", "nothing", "none"},
    {"reset", "nothing", "none"},
};
inline constexpr Key kScriptSendKeys[] = {
    {"text", "text", "none"},
    {"hex", "hex", "none"},
};
inline constexpr Key kScriptExpectKeys[] = {
    {"text", "text", "none"},
    {"hex", "hex", "none"},
    {"regex", "text", "none"},
};

inline constexpr KeyTable kTcpTable{"workloads.NAME.tcp", kScriptKeys};
inline constexpr KeyTable kUdpTable{"workloads.NAME.udp", kScriptKeys};
inline constexpr KeyTable kScriptStepTable{"workloads.NAME.tcp.script", kScriptStepKeys};
inline constexpr KeyTable kScriptSendTable{"workloads.NAME.tcp.script.send", kScriptSendKeys};
inline constexpr KeyTable kScriptExpectTable{"workloads.NAME.tcp.script.expect", kScriptExpectKeys};

inline constexpr std::array kScriptTables = {kTcpTable, kUdpTable, kScriptStepTable, kScriptSendTable,
                                             kScriptExpectTable};

}  // namespace myriad::plan
