// Why a session failed: the keys of `failures` in the result document. What a file server says stands there by the name
// that it has in [MS-ERREF], and only when it was said.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "app/smb2/status_list.h"

namespace myriad::app {

// X(enumerator, name in the result document)
#define MYRIAD_FAILURES(X)                                                                               \
  X(kConnectTimeout, "connect_timeout")     /* the handshake was not over in time */                     \
  X(kRefused, "refused")                    /* RST in answer to our SYN */                               \
  X(kReset, "reset")                        /* RST before any data came */                               \
  X(kResetAfterData, "reset_after_data")    /* RST later */                                              \
  X(kTransmitTimeout, "transmit_timeout")   /* the peer stopped acknowledging */                         \
  X(kCloseTimeout, "close_timeout")         /* the peer never closed its side */                         \
  X(kNeighbourTimeout, "neighbour_timeout") /* the next hop answers neither ARP nor NDP */               \
  X(kUnreachable, "unreachable")            /* ICMP says so, or the host has no way there */             \
  X(kNoPort, "no_port")                     /* ours: every source port is in use */                      \
  X(kNoRoom, "no_room")                     /* ours: the connection table is full */                     \
  X(kResponseTimeout, "response_timeout")   /* connected, or pinged, but no answer in time */            \
  X(kTimeout, "timeout")                    /* an answer began but did not end in time */                \
  X(kExpectTimeout, "expect_timeout")       /* a script waited in vain */                                \
  X(kClosedEarly, "closed_early")           /* FIN before everything had come */                         \
  X(kClosedWhileHeld, "closed_while_held")  /* FIN or RST while the connection was to be held */         \
  X(kVerifyMismatch, "verify_mismatch")     /* the content is not what was asked for */                  \
  X(kHttpMalformed, "http_malformed")       /* not HTTP, or a bound was exceeded */                      \
  X(kHttpStatus3xx, "http_status_3xx")                                                                   \
  X(kHttpStatus4xx, "http_status_4xx")                                                                   \
  X(kHttpStatus5xx, "http_status_5xx")                                                                   \
  X(kSmb2Malformed, "smb2_malformed")                  /* not SMB2, or it contradicts itself or us */    \
  X(kSmb2Signature, "smb2_signature")                  /* a signature is wrong, or missing */            \
  X(kSmb2NoCredits, "smb2_no_credits")                 /* the server lets nothing more be asked */       \
  X(kSmb2StatusOther, "smb2_status_other")             /* a status without a name of its own here */     \
  X(kHttpUnexpectedStatus, "http_unexpected_status")   /* 2xx, but not one of those expected */          \
  X(kHttpTooManyRedirects, "http_too_many_redirects")  /* more than are to be followed */                \
  X(kHttpRedirectElsewhere, "http_redirect_elsewhere") /* other address, port or scheme */               \
  X(kTlsHandshake, "tls_handshake")                    /* not TLS, or nothing in common */               \
  X(kTlsHandshakeTimeout, "tls_handshake_timeout")     /* connected, but no end of it in time */         \
  X(kTlsCertificate, "tls_certificate")                /* not trusted, or of another name */             \
  X(kTlsAlert, "tls_alert")                            /* the peer ended it with an alert */             \
  X(kTlsDamaged, "tls_damaged")                        /* a record that cannot be right */               \
  X(kTlsClosedEarly, "tls_closed_early")               /* FIN without close_notify */                    \
  X(kDnsMalformed, "dns_malformed")                    /* not a message of DNS, or one that cannot be */ \
  X(kDnsTruncated, "dns_truncated")                    /* too long for a datagram, and TCP not wanted */ \
  X(kDnsNoData, "dns_no_data")                         /* the name exists, without such records */       \
  X(kDnsFormErr, "dns_formerr")                        /* codes of answers, from here on */              \
  X(kDnsServFail, "dns_servfail")                                                                        \
  X(kDnsNxDomain, "dns_nxdomain")                                                                        \
  X(kDnsNotImp, "dns_notimp")                                                                            \
  X(kDnsRefused, "dns_refused")                                                                          \
  X(kDnsRcode, "dns_rcode") /* another one */

enum class Failure : std::uint16_t {
#define MYRIAD_FAILURE_ENUM(id, name) id,
  MYRIAD_FAILURES(MYRIAD_FAILURE_ENUM)
#define MYRIAD_STATUS_ENUM(value, id, name) id,
      MYRIAD_SMB2_STATUSES(MYRIAD_STATUS_ENUM)
#undef MYRIAD_STATUS_ENUM
#undef MYRIAD_FAILURE_ENUM
          kCount
};

inline constexpr std::array<std::string_view, static_cast<std::size_t>(Failure::kCount)> kFailureNames = {
#define MYRIAD_FAILURE_NAME(id, name) name,
    MYRIAD_FAILURES(MYRIAD_FAILURE_NAME)
#define MYRIAD_STATUS_NAME(value, id, name) name,
        MYRIAD_SMB2_STATUSES(MYRIAD_STATUS_NAME)
#undef MYRIAD_STATUS_NAME
#undef MYRIAD_FAILURE_NAME
};
#undef MYRIAD_FAILURES

// An HTTP answer was heard, and is another one than was asked for.
[[nodiscard]] constexpr bool is_http_status(Failure why) {
  return why == Failure::kHttpStatus3xx || why == Failure::kHttpStatus4xx || why == Failure::kHttpStatus5xx ||
         why == Failure::kHttpUnexpectedStatus;
}

[[nodiscard]] constexpr std::string_view failure_name(Failure why) {
  return kFailureNames[static_cast<std::size_t>(why)];
}

}  // namespace myriad::app
