// What SMB2 computes with secrets, against what the documents print.
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "app/smb2/md4.h"
#include "app/smb2/ntlm.h"
#include "app/smb2/signing.h"
#include "tests/app/octets.h"
#include "tests/app/pieces.h"

namespace myriad::app::smb2 {
namespace {

template <std::size_t N>
std::array<std::uint8_t, N> array_of(std::string_view hex) {
  const Octets bytes = octets(hex);
  std::array<std::uint8_t, N> out{};
  EXPECT_EQ(bytes.size(), N) << hex;
  std::copy_n(bytes.begin(), std::min(N, bytes.size()), out.begin());
  return out;
}
Key key_of(std::string_view hex) { return array_of<16>(hex); }

// RFC 1320, appendix A.5.
TEST(Md4, OfTheDocument) {
  const auto digest = [](std::string_view text) { return hex_of(md4(as_bytes(text))); };
  EXPECT_EQ(digest(""), "31d6cfe0d16ae931b73c59d7e0c089c0");
  EXPECT_EQ(digest("a"), "bde52cb31de33e46245e05fbdbd6fb24");
  EXPECT_EQ(digest("abc"), "a448017aaf21d8525fc10ae87aa6729d");
  EXPECT_EQ(digest("message digest"), "d9130a8164549fe818874806e1c7014b");
  EXPECT_EQ(digest("abcdefghijklmnopqrstuvwxyz"), "d79e1c308aa5bbcdeea8ed63df412da9");
  EXPECT_EQ(digest("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"),
            "043f8582f241db351ce627e153e7f0e4");
  EXPECT_EQ(digest("12345678901234567890123456789012345678901234567890123456789012345678901234567890"),
            "e33b4ddc9c38f2199c3e7b164fcc0536");
}

// RFC 2202 section 2 and RFC 4231 section 4.3, test case 2 of both.
TEST(Hmac, OfTheDocuments) {
  const auto message = as_bytes("what do ya want for nothing?");
  EXPECT_EQ(hex_of(hmac_md5(as_bytes("Jefe"), message)), "750c783e6ab0b503eaa86e310a5db738");
  EXPECT_EQ(hex_of(hmac_sha256(as_bytes("Jefe"), message)),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

// RFC 4493 section 4; in pieces, as a message comes.
TEST(Signer, IsAesCmacForThree) {
  const Key key = key_of("2b7e151628aed2a6abf7158809cf4f3c");
  const Octets message = octets("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411");
  const auto signature = [&](std::size_t length) {
    Signer signer{key, Dialect::k302};
    for (std::size_t i = 0; i < length; ++i) signer.add(Bytes{message}.subspan(i, 1));
    return hex_of(signer.finish());
  };
  EXPECT_EQ(signature(0), "bb1d6929e95937287fa37d129b756746");
  EXPECT_EQ(signature(16), "070a16b46b4d4144f79bdd9dd04a287c");
  EXPECT_EQ(signature(40), "dfa66747de9ae63030ca32611497c827");
}

TEST(Signer, IsHmacSha256ForTwo) {
  const Key key = key_of("000102030405060708090a0b0c0d0e0f");
  Signer signer{key, Dialect::k210};
  signer.add(as_bytes("what do ya "));
  signer.add(as_bytes("want for nothing?"));
  EXPECT_EQ(hex_of(signer.finish()), hex_of(hmac_sha256(key, as_bytes("what do ya want for nothing?"))).substr(0, 32));
}

// The session setup response of Microsoft's walk-through of keys ("the anatomy of signing and cryptographic keys",
// appendix), signed with the key derived there.
TEST(Signer, ChecksWhatAServerHasSigned) {
  const Octets message = octets(
      "fe534d4240000100000000000100800009000000000000000300000000000000fffe000000000000"
      "1900000000100000ebe146da120ba25fc3376a49dfe31bc10900000048001d00a11b3019a0030a01"
      "00a3120410010000003b453cdc3524164200000000");
  Signer signer{key_of("73fe7a9a77bef0bde49c650d8ccb5f76"), Dialect::k311};
  signer.add_header(Bytes{message}.first(kHeaderBytes));
  signer.add(Bytes{message}.subspan(kHeaderBytes));
  const auto header = Header::parse(message);
  ASSERT_TRUE(header);
  EXPECT_TRUE(same(signer.finish(), header->signature));

  Octets signed_again = message;
  std::fill_n(signed_again.begin() + 48, 16, std::uint8_t{0xaa});
  sign(key_of("73fe7a9a77bef0bde49c650d8ccb5f76"), Dialect::k311, signed_again);
  EXPECT_EQ(signed_again, message);
}

// The same appendix.
TEST(Keys, AreDerivedAsDocumented) {
  const Preauth preauth = array_of<64>(
      "0dd13628cc3ed218ef9df9772d436d0887ab9814bfae63a80aa845f36909db79"
      "28622dddad522d9751640a459762c5a9d6bb084cbb3ce6bdadef5d5bce3c6c01");
  EXPECT_EQ(hex_of(signing_key(key_of("7cd451825d0450d235424e44ba6e78cc"), Dialect::k300, {})),
            "0b7e9c5cac36c0f6ea9ab275298cedce");
  EXPECT_EQ(hex_of(signing_key(key_of("4e01a2b313bcf660cc250bef021aede6"), Dialect::k302, {})),
            "ba1a17dbbfec349bca105563d598952f");
  EXPECT_EQ(hex_of(signing_key(key_of("270e1ba896585eeb7af3472d3b4c75a7"), Dialect::k311, preauth)),
            "73fe7a9a77bef0bde49c650d8ccb5f76");
  const Key key = key_of("270e1ba896585eeb7af3472d3b4c75a7");
  EXPECT_EQ(signing_key(key, Dialect::k202, preauth), key);
  EXPECT_EQ(signing_key(key, Dialect::k210, preauth), key);
}

// The encrypted session key of the same appendix.
TEST(Rc4, OfTheDocument) {
  Key data = key_of("3b9bdff38f5ee8f9663f11a0f4c03a78");
  rc4(key_of("b4cf22566926b1c069acd80e4d73c814"), data);
  EXPECT_EQ(hex_of(data), "270e1ba896585eeb7af3472d3b4c75a7");
}

// --- NTLM ([MS-NLMP] 4.2.4) ------------------------------------------------------------------------------------------

// Target information of 4.2.4.1.3 alone, around which the rest of a challenge is built here.
Octets challenge_message(std::uint32_t flags, Bytes target_info, std::uint32_t info_offset = 48) {
  Octets message(48);
  std::copy_n(as_bytes("NTLMSSP").begin(), 7, message.begin());
  store_le32(message.data() + 8, 2);
  store_le32(message.data() + 20, flags);
  const Octets challenge = octets("0123456789abcdef");
  std::copy(challenge.begin(), challenge.end(), message.begin() + 24);
  store_le16(message.data() + 40, static_cast<std::uint16_t>(target_info.size()));
  store_le16(message.data() + 42, static_cast<std::uint16_t>(target_info.size()));
  store_le32(message.data() + 44, info_offset);
  message.insert(message.end(), target_info.begin(), target_info.end());
  return message;
}

const Octets kTargetInfo = octets("02000c0044006f006d00610069006e0001000c0053006500720076006500720000000000");
constexpr std::uint32_t kFlags = 0xe28a8233;

// What a field of the last message points to; the token has 16 to 20 bytes of SPNEGO around it.
Octets field_of(Bytes token, std::size_t descriptor) {
  const auto name = as_bytes("NTLMSSP");
  const auto at = std::search(token.begin(), token.end(), name.begin(), name.end());
  const Bytes message = token.subspan(static_cast<std::size_t>(at - token.begin()));
  const Bytes field =
      message.subspan(load_le32(message.data() + descriptor + 4), load_le16(message.data() + descriptor));
  return {field.begin(), field.end()};
}

TEST(Ntlm, IsThatOfTheDocument) {
  const Credentials credentials = Credentials::of("User", "Password", "Domain");
  EXPECT_EQ(hex_of(credentials.response_key), "0c868a403bfd7a93a3001ef22ef02e3f");
  const Octets message = challenge_message(kFlags, kTargetInfo);
  const auto challenge = parse_challenge(message);
  ASSERT_TRUE(challenge);
  Luck luck;
  luck.client_challenge.fill(0xaa);
  luck.session_key.fill(0x55);
  const Answer said = answer(credentials, *challenge, 0, luck);
  const Octets response = field_of(said.token, 20);
  EXPECT_EQ(hex_of(response).substr(0, 32), "68cd0ab851e51c96aabc927bebef6a1c");
  EXPECT_EQ(hex_of(response).substr(32, 32), "01010000000000000000000000000000");
  EXPECT_EQ(hex_of(field_of(said.token, 52)), "c5dad2544fc9799094ce1ce90bc9d03e");
  EXPECT_EQ(hex_of(said.session_key), "55555555555555555555555555555555");
  EXPECT_EQ(hex_of(field_of(said.token, 36)), "5500730065007200");
}

// Without key exchange the key is the session base key of 4.2.4.2.2.
TEST(Ntlm, WithoutKeyExchange) {
  const Octets message = challenge_message(kFlags & ~0x40000000U, kTargetInfo);
  Luck luck;
  luck.client_challenge.fill(0xaa);
  const Answer said = answer(Credentials::of("User", "Password", "Domain"), *parse_challenge(message), 0, luck);
  EXPECT_EQ(hex_of(said.session_key), "8de40ccadbc14a82f15cb0ad0de95ca3");
  EXPECT_TRUE(field_of(said.token, 52).empty());
}

TEST(Ntlm, TakesTheTimeOfTheServer) {
  Octets info = octets("07000800efcdab8967452301");
  info.insert(info.end(), kTargetInfo.begin(), kTargetInfo.end());
  const Octets message = challenge_message(kFlags, info);
  const auto challenge = parse_challenge(message);
  ASSERT_TRUE(challenge);
  EXPECT_EQ(challenge->server_time, 0x0123456789abcdefU);
  const Answer said = answer(Credentials::of("u", "p", ""), *challenge, 1, {});
  EXPECT_EQ(hex_of(field_of(said.token, 20)).substr(48, 16), "efcdab8967452301");
  const Answer without = answer(Credentials::of("u", "p", ""), *parse_challenge(challenge_message(kFlags, {})), 1, {});
  EXPECT_EQ(hex_of(field_of(without.token, 20)).substr(48, 16), "0100000000000000");
}

TEST(Ntlm, AnonymousSaysNothing) {
  const Octets message = challenge_message(kFlags, kTargetInfo);
  const Answer said = answer({}, *parse_challenge(message), 0, {});
  EXPECT_EQ(hex_of(field_of(said.token, 12)), "00");
  EXPECT_TRUE(field_of(said.token, 20).empty());
  EXPECT_TRUE(field_of(said.token, 36).empty());
  EXPECT_EQ(said.session_key, Key{});
}

TEST(Ntlm, RefusesChallengesThatLie) {
  Octets good = challenge_message(kFlags, kTargetInfo);
  ASSERT_TRUE(parse_challenge(good));
  for (std::size_t length = 0; length < 48; ++length)
    EXPECT_FALSE(parse_challenge(Bytes{good}.first(length))) << length;
  EXPECT_FALSE(parse_challenge(Bytes{good}.first(good.size() - 1)));
  EXPECT_FALSE(parse_challenge(challenge_message(kFlags, kTargetInfo, 49)));
  EXPECT_FALSE(parse_challenge(challenge_message(kFlags, kTargetInfo, 0xffffffff)));
  EXPECT_FALSE(parse_challenge(challenge_message(kFlags, octets("0100ff00"))));
  EXPECT_FALSE(parse_challenge(challenge_message(kFlags, Octets(9000))));
  good[8] = 3;
  EXPECT_FALSE(parse_challenge(good));
}

// --- SPNEGO ----------------------------------------------------------------------------------------------------------

TEST(Spnego, FirstTokenIsWhatTheRfcSays) {
  EXPECT_EQ(hex_of(first_token()),
            "604006062b0601050502a0363034a00e300c060a2b06010401823702020aa22204204e544c4d535350000100000015828860"
            "00000000000000000000000000000000");
}

TEST(Spnego, FindsTheChallengeAmongTheFields) {
  const Octets inner = challenge_message(kFlags, kTargetInfo);
  const auto length = [](std::size_t n) { return hex_of(Octets{static_cast<std::uint8_t>(n)}); };
  const std::string state = "a0030a0101a10c060a2b06010401823702020a";
  const std::string token = "a2" + length(inner.size() + 2) + "04" + length(inner.size()) + hex_of(inner);
  const std::size_t fields = (state.size() + token.size()) / 2;
  ASSERT_LT(fields + 3, 0x100U);
  const std::string whole = "a181" + length(fields + 3) + "3081" + length(fields) + state + token;
  EXPECT_TRUE(parse_challenge(octets(whole)));
  for (std::size_t cut = 0; cut < whole.size(); cut += 2) EXPECT_FALSE(parse_challenge(octets(whole.substr(0, cut))));
  EXPECT_FALSE(parse_challenge(octets("a1053003a20104")));
  EXPECT_FALSE(parse_challenge(octets("a180")));
  EXPECT_FALSE(parse_challenge(octets("a184ffffffff")));
  EXPECT_FALSE(parse_challenge(octets("a1073005a0030a0100")));  // no token in it
}

}  // namespace
}  // namespace myriad::app::smb2
