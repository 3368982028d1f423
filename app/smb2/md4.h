// MD4 (RFC 1320), which the hash of an NT password is made of. OpenSSL has it only in a provider that need not be
// there. Broken as a digest since long; nothing else is to use it.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"

namespace myriad::app::smb2 {

[[nodiscard]] std::array<std::uint8_t, 16> md4(Bytes message);

}  // namespace myriad::app::smb2
