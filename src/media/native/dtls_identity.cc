// Owns the making of the certificate, and what is spoken: DTLS 1.2, ephemeral keys, the SRTP profiles.
#include "dtls_identity.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include "dtls_transport.h"

namespace media {

namespace {

/// Days that the certificate names. Peers go by its fingerprint alone (RFC 5763 5); it begins a day early for slow clocks.
constexpr long kDay = 86'400, kLife = 30 * kDay;

/// RFC 5764 4.1.2 and RFC 7714 14.2, the strongest first.
constexpr const char* kProfiles = "SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80:SRTP_AES128_CM_SHA1_32";
constexpr const char* kCiphers = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:DHE+AESGCM:!aNULL:!eNULL:!PSK";

bool sign(X509* certificate, EVP_PKEY* key) {
  unsigned char serial[8];
  if (RAND_bytes(serial, sizeof serial) != 1) return false;
  serial[0] &= 0x7f;
  BIGNUM* number = BN_bin2bn(serial, sizeof serial, nullptr);
  const bool numbered = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
  BN_free(number);
  // RFC 8827 6.5: nothing in it tells who made it.
  X509_NAME* name = X509_get_subject_name(certificate);
  return numbered && X509_set_version(certificate, 2) == 1 && X509_gmtime_adj(X509_getm_notBefore(certificate), -kDay) &&
         X509_gmtime_adj(X509_getm_notAfter(certificate), kLife) && X509_set_pubkey(certificate, key) == 1 &&
         X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("media"), -1, -1, 0) == 1 &&
         X509_set_issuer_name(certificate, name) == 1 && X509_sign(certificate, key, EVP_sha256()) > 0;
}

}  // namespace

std::shared_ptr<const DtlsIdentity> DtlsIdentity::make() {
  std::shared_ptr<DtlsIdentity> result(new DtlsIdentity);
  EVP_PKEY* key = EVP_EC_gen("P-256");
  result->certificate_ = X509_new();
  result->context_ = SSL_CTX_new(DTLS_method());
  SSL_CTX* context = result->context_;
  bool good = key && result->certificate_ && context && sign(result->certificate_, key);
  if (good) {
    SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    // Older phones show certificates of RSA with 1024 bits, which is no more than the fingerprint in the SDP is asked to vouch for.
    SSL_CTX_set_security_level(context, 1);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    SSL_CTX_set_cert_verify_callback(context, DtlsTransport::verify, nullptr);
    // RFC 8827 6.5: nothing older than DTLS 1.2.
    good = SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) == 1 && SSL_CTX_use_certificate(context, result->certificate_) == 1 && SSL_CTX_use_PrivateKey(context, key) == 1 &&
           SSL_CTX_set_cipher_list(context, kCiphers) == 1 && SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") == 1 &&
           SSL_CTX_set_tlsext_use_srtp(context, kProfiles) == 0;
  }
  EVP_PKEY_free(key);
  ERR_clear_error();
  if (!good) return nullptr;
  return result;
}

DtlsIdentity::~DtlsIdentity() {
  SSL_CTX_free(context_);
  X509_free(certificate_);
}

const EVP_MD* fingerprint_hash(std::string_view name) {
  if (name == "sha-1") return EVP_sha1();
  if (name == "sha-224") return EVP_sha224();
  if (name == "sha-256") return EVP_sha256();
  if (name == "sha-384") return EVP_sha384();
  if (name == "sha-512") return EVP_sha512();
  return nullptr;
}

std::vector<uint8_t> DtlsIdentity::fingerprint(std::string_view hash) const {
  const EVP_MD* digest = fingerprint_hash(hash);
  if (!digest) return {};
  std::vector<uint8_t> result(EVP_MAX_MD_SIZE);
  unsigned size = 0;
  if (X509_digest(certificate_, digest, result.data(), &size) != 1) size = 0;
  result.resize(size);
  return result;
}

}  // namespace media
