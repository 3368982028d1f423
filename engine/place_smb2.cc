#include "engine/place_smb2.h"

#include "app/smb2/role.h"

namespace myriad::engine {

std::shared_ptr<const app::Role> smb2_role(const plan::Smb2Workload& smb2, std::uint64_t seed) {
  app::smb2::Options options;
  options.share = smb2.share;
  options.user = smb2.user;
  options.password = smb2.password;
  options.domain = smb2.domain;
  for (const std::uint16_t dialect : smb2.dialects) {
    options.dialects.push_back(static_cast<app::smb2::Dialect>(dialect));
  }
  options.signing_required = smb2.signing_required;
  options.get = smb2.get;
  options.verify_bytes = smb2.verify.bytes;
  options.verify_sha256 = smb2.verify.sha256;
  if (smb2.put) options.put = {smb2.put->name, smb2.put->bytes};
  options.list = smb2.list;
  options.echo = smb2.echo;
  options.seed = seed;
  return std::make_shared<app::smb2::Smb2Role>(std::move(options));
}

}  // namespace myriad::engine
