// Keys of `replays`.
#pragma once

#include "templates/plan/keys.h"

namespace myriad::plan {

inline constexpr Key kReplayKeys[] = {
    {"port", "name", "none"},          {"ports", "mapping", "none"},
    {"pcap", "path", "required"},      {"speed", "mapping, max", "{multiplier: 1}"},
    {"loop", "integer, forever", "1"}, {"map", "mapping", "none"},
    {"limit", "integer", "none"},      {"duration", "duration", "none"},
};
inline constexpr Key kReplayPortsKeys[] = {
    {"clients", "name", "required"},
    {"servers", "name", "required"},
};
inline constexpr Key kReplaySpeedKeys[] = {
    {"multiplier", "number", "none"},
    {"pps", "frame rate", "none"},
    {"bps", "bit rate", "none"},
    {"layer", "1, 2", "2"},
};
inline constexpr Key kReplayMapKeys[] = {
    {"clients", "mapping", "none"},
    {"servers", "mapping", "none"},
};
inline constexpr Key kReplayHostsKeys[] = {
    {"hosts", "name", "required"},
};

inline constexpr KeyTable kReplayTable{"replays.NAME", kReplayKeys};
inline constexpr KeyTable kReplayPortsTable{"replays.NAME.ports", kReplayPortsKeys};
inline constexpr KeyTable kReplaySpeedTable{"replays.NAME.speed", kReplaySpeedKeys};
inline constexpr KeyTable kReplayMapTable{"replays.NAME.map", kReplayMapKeys};
inline constexpr KeyTable kReplayHostsTable{"replays.NAME.map.clients", kReplayHostsKeys};

inline constexpr std::array kReplayTables = {kReplayTable, kReplayPortsTable, kReplaySpeedTable, kReplayMapTable,
                                             kReplayHostsTable};

}  // namespace myriad::plan
